;; A WASI command for the tests; argument 1 says what it does:
;;   exit N    args    environ    spin    trap    recurse
;;   copy FROM TO     paths below any directory it was given
;;   flood N          N times 64 KiB to stdout
;;   hog              takes memory, touching it, until it gets no more; then exits with the number of pages modulo 101
;;   work N           a loop of N rounds
;;   late FROM TO N   reads all of it into memory that it takes, a loop of N rounds, then writes it
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 6)
  (global $argc (mut i32) (i32.const 0))

  (func $strlen (param $p i32) (result i32)
    (local $n i32)
    (block $done (loop $next
      (br_if $done (i32.eqz (i32.load8_u (i32.add (local.get $p) (local.get $n)))))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br $next)))
    (local.get $n))

  (func $number (param $p i32) (result i32)
    (local $value i32)
    (block $done (loop $next
      (br_if $done (i32.eqz (i32.load8_u (local.get $p))))
      (local.set $value (i32.add (i32.mul (local.get $value) (i32.const 10)) (i32.sub (i32.load8_u (local.get $p)) (i32.const 48))))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (br $next)))
    (local.get $value))

  (func $write (param $fd i32) (param $p i32) (param $n i32)
    (block $done (loop $more
      (br_if $done (i32.eqz (local.get $n)))
      (i32.store (i32.const 0) (local.get $p))
      (i32.store (i32.const 4) (local.get $n))
      (if (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)) (then (call $proc_exit (i32.const 28))))
      (local.set $p (i32.add (local.get $p) (i32.load (i32.const 8))))
      (local.set $n (i32.sub (local.get $n) (i32.load (i32.const 8))))
      (br $more))))

  ;; Prints the strings of the table at $table, each with a line end.
  (func $print (param $table i32) (param $count i32)
    (local $p i32)
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $count)))
      (local.set $p (i32.load (local.get $table)))
      (call $write (i32.const 1) (local.get $p) (call $strlen (local.get $p)))
      (i32.store8 (i32.const 16) (i32.const 10))
      (call $write (i32.const 1) (i32.const 16) (i32.const 1))
      (local.set $table (i32.add (local.get $table) (i32.const 4)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br $next))))

  (func $arg (param $i i32) (result i32) (i32.load (i32.add (i32.const 1024) (i32.mul (local.get $i) (i32.const 4)))))

  ;; Opens a path below whichever of the first eight directories has it; exits with the last error otherwise.
  (func $open (param $p i32) (param $flags i32) (param $rights i64) (result i32)
    (local $dir i32) (local $error i32)
    (local.set $dir (i32.const 3))
    (loop $next
      (local.set $error (call $path_open (local.get $dir) (i32.const 0) (local.get $p) (call $strlen (local.get $p)) (local.get $flags) (local.get $rights) (i64.const 0) (i32.const 0) (i32.const 12)))
      (if (i32.eqz (local.get $error)) (then (return (i32.load (i32.const 12)))))
      (local.set $dir (i32.add (local.get $dir) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $dir) (i32.const 11))))
    (call $proc_exit (local.get $error))
    (unreachable))

  (func $copy (param $from i32) (param $to i32)
    (local $in i32) (local $out i32)
    (local.set $in (call $open (local.get $from) (i32.const 0) (i64.const 2)))
    (local.set $out (call $open (local.get $to) (i32.const 9) (i64.const 64)))
    (block $done (loop $more
      (i32.store (i32.const 0) (i32.const 262144))
      (i32.store (i32.const 4) (i32.const 65536))
      (drop (call $fd_read (local.get $in) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br_if $done (i32.eqz (i32.load (i32.const 8))))
      (call $write (local.get $out) (i32.const 262144) (i32.load (i32.const 8)))
      (br $more))))

  ;; Memory from page 6 on is this function's.
  (func $late (param $from i32) (param $to i32) (param $rounds i32)
    (local $in i32) (local $out i32) (local $end i32)
    (local.set $in (call $open (local.get $from) (i32.const 0) (i64.const 2)))
    (local.set $out (call $open (local.get $to) (i32.const 9) (i64.const 64)))
    (local.set $end (i32.const 393216))
    (block $done (loop $more
      (if (i32.gt_u (i32.add (local.get $end) (i32.const 65536)) (i32.mul (memory.size) (i32.const 65536))) (then (drop (memory.grow (i32.const 1)))))
      (i32.store (i32.const 0) (local.get $end))
      (i32.store (i32.const 4) (i32.const 65536))
      (drop (call $fd_read (local.get $in) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br_if $done (i32.eqz (i32.load (i32.const 8))))
      (local.set $end (i32.add (local.get $end) (i32.load (i32.const 8))))
      (br $more)))
    (drop (call $work (local.get $rounds)))
    (call $write (local.get $out) (i32.const 393216) (i32.sub (local.get $end) (i32.const 393216))))

  (func $flood (param $times i32)
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $times)))
      (call $write (i32.const 1) (i32.const 262144) (i32.const 65536))
      (local.set $times (i32.sub (local.get $times) (i32.const 1)))
      (br $next))))

  (func $hog
    (local $page i32)
    (loop $next
      (local.set $page (memory.grow (i32.const 1)))
      (if (i32.ne (local.get $page) (i32.const -1)) (then
        (i32.store (i32.mul (local.get $page) (i32.const 65536)) (i32.const 1))
        (br $next))))
    (call $proc_exit (i32.rem_u (memory.size) (i32.const 101))))

  (func $work (param $rounds i32) (result i32)
    (local $x i32)
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $rounds)))
      (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525)) (i32.const 1013904223)))
      (if (i32.and (local.get $x) (i32.const 65536))
        (then (local.set $x (i32.rotl (local.get $x) (i32.const 3))))
        (else (local.set $x (i32.xor (local.get $x) (i32.const 12345)))))
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br $next)))
    (local.get $x))

  (func $recurse (param i32) (result i32) (i32.add (call $recurse (local.get 0)) (i32.const 1)))

  (func (export "_start")
    (local $verb i32)
    (drop (call $args_sizes_get (i32.const 20) (i32.const 24)))
    (global.set $argc (i32.load (i32.const 20)))
    (drop (call $args_get (i32.const 1024) (i32.const 8192)))
    (if (i32.lt_u (global.get $argc) (i32.const 2)) (then (return)))
    ;; The first two letters tell the verbs apart.
    (local.set $verb (i32.load16_u (call $arg (i32.const 1))))
    (if (i32.eq (local.get $verb) (i32.const 0x7865)) (then (call $proc_exit (call $number (call $arg (i32.const 2))))))
    (if (i32.eq (local.get $verb) (i32.const 0x7261)) (then (call $print (i32.const 1032) (i32.sub (global.get $argc) (i32.const 2)))))
    (if (i32.eq (local.get $verb) (i32.const 0x6e65)) (then
      (drop (call $environ_sizes_get (i32.const 20) (i32.const 24)))
      (drop (call $environ_get (i32.const 131072) (i32.const 135168)))
      (call $print (i32.const 131072) (i32.load (i32.const 20)))))
    (if (i32.eq (local.get $verb) (i32.const 0x7073)) (then (loop $forever (br $forever))))
    (if (i32.eq (local.get $verb) (i32.const 0x7274)) (then (unreachable)))
    (if (i32.eq (local.get $verb) (i32.const 0x6572)) (then (drop (call $recurse (i32.const 0)))))
    (if (i32.eq (local.get $verb) (i32.const 0x6f63)) (then (call $copy (call $arg (i32.const 2)) (call $arg (i32.const 3)))))
    (if (i32.eq (local.get $verb) (i32.const 0x616c)) (then (call $late (call $arg (i32.const 2)) (call $arg (i32.const 3)) (call $number (call $arg (i32.const 4))))))
    (if (i32.eq (local.get $verb) (i32.const 0x6c66)) (then (call $flood (call $number (call $arg (i32.const 2))))))
    (if (i32.eq (local.get $verb) (i32.const 0x6f68)) (then (call $hog)))
    (if (i32.eq (local.get $verb) (i32.const 0x6f77)) (then (drop (call $work (call $number (call $arg (i32.const 2)))))))))
