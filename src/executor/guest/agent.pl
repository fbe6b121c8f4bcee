#!/bin/perl
# The guest agent: process 1 of a microVM. Speaks the protocol of docs/microvm.md with the host, prepares the job's file system
# by the host's orders, runs the command as nobody under control groups, samples it, and hands over its outputs.
#
# Perl because it is one static text that needs no compiler on the machine that builds the guest, and fast enough to read /proc
# every 20 ms. Debian's perl-base without any module but strict: system calls are made by number (x86-64), and what they get by
# address must be a variable.
use strict;

my $VERSION = 2;
my ($RUN, $GO) = (1, 2);
my ($HELLO, $READY, $STDOUT, $STDERR, $SAMPLE, $ENDED, $ENTRY, $DATA, $DONE, $FAILED, $NOTE) = (1 .. 11);
my ($OPEN, $BYTES, $CREDIT, $END, $RESET) = (1 .. 5);
my $MAX_FRAME = 1 << 26;
my $CHUNK = 1 << 16;
my ($JOB_UID, $JOB_GID) = (65534, 65534);
my $KILL_GRACE_MS = 2000;
my $IDLE_FACTOR = 4;         # a sample that took c ms is followed by a pause of at least this many c
my $REFRESH_STRIDE = 5;      # what is dear or changes unnoticed is read on every n-th sample
my $MAX_OPEN = 128;          # processes whose /proc files stay open between samples
my $MAX_NOTED = 256;         # files of the outputs whose growth is noted
my ($FINE_NOTES, $MAX_NOTES, $SLOW_NOTE_MS) = (48, 4096, 1000);
my $MAX_OUTPUTS = 100;       # entries kept for remarks
my $MAX_DEPTH = 200;         # of directories in an output
my $MAX_PATH = 2048;         # bytes of a path in an output
my $WINDOW = 1 << 18;        # bytes of a connection that either side may send before they are passed on
my $MAX_STREAMS = 512;       # connections at a time
my $RELAY_ID = 65533;        # user of the process that passes them on
my $GROUP = '/sys/fs/cgroup/job';
my ($RDONLY, $NOSUID, $NODEV, $NOEXEC, $REMOUNT, $BIND, $NOATIME) = (1, 2, 4, 8, 32, 4096, 1024);
my %SYS = (mount => 165, finit_module => 313, reboot => 169, unshare => 272, prctl => 157, clock_gettime => 228, statfs => 137,
  sched_setscheduler => 144, setrlimit => 160, sethostname => 170, setgroups => 116);
my @CHANNELS = qw(cpuUserNs cpuSystemNs cpuNs residentBytes cacheBytes minorFaults majorFaults readBytes writtenBytes readCalls writeCalls
  contextSwitches processes outputBytes);

my ($channel, $vsock);
$SIG{PIPE} = 'IGNORE';
$SIG{__DIE__} = sub { my $why = "$_[0]"; fail($why) };

start();
serve(read_run());
farewell();

# --- start -------------------------------------------------------------------------------------------------------------------

sub start {
  for (qw(/proc /sys /dev /run)) { mkdir $_ }
  mount_at('proc', '/proc', 'proc', $NOSUID | $NODEV | $NOEXEC, '');
  mount_at('sysfs', '/sys', 'sysfs', $NOSUID | $NODEV | $NOEXEC, '');
  mount_at('devtmpfs', '/dev', 'devtmpfs', $NOSUID, 'mode=755');
  mount_at('tmpfs', '/run', 'tmpfs', $NOSUID | $NODEV, 'mode=755');
  my $arguments = slurp('/proc/cmdline');
  $vsock = $arguments =~ /\bgadus\.vsock=(\d+)/ ? $1 : 0;
  for my $name (split /\n/, -e '/modules/order' ? slurp('/modules/order') : '') {
    next if !$vsock && $name =~ /vsock/;
    open my $module, '<', "/modules/$name" or die "module $name: $!";
    # A module that is built into the kernel, or loaded already, is as good as loaded.
    syscall($SYS{finit_module}, fileno($module), my $options = '', 0) == 0 or $! == 17 or die "module $name: $!";
  }
  if ($vsock) { $channel = accept_vsock(listen_vsock($vsock)) }
  else { open($channel, '+<', find_port('gadus')) or die "channel: $!" }
  binmode $channel;
  mount_at('cgroup2', '/sys/fs/cgroup', 'cgroup2', $NOSUID | $NODEV | $NOEXEC, '');
  spew('/sys/fs/cgroup/cgroup.subtree_control', '+cpu +memory +pids');
  mkdir $GROUP or die "control group: $!";
  for (['kernel/printk', '1'], ['user/max_user_namespaces', '0'], ['kernel/unprivileged_bpf_disabled', '1'], ['kernel/dmesg_restrict', '1'],
    ['kernel/kptr_restrict', '2'], ['vm/overcommit_memory', '1']) {
    eval { local $SIG{__DIE__}; spew("/proc/sys/$$_[0]", $$_[1]); };
  }
  # Memory is never taken from the agent and the job's init.
  spew('/proc/self/oom_score_adj', -1000);
  # Round robin at real-time priority: a fork bomb must not starve who watches it.
  syscall($SYS{sched_setscheduler}, 0, 2, my $priority = pack 'i', 1);
  my ($release) = slurp('/proc/sys/kernel/osrelease') =~ /(\S+)/;
  send_frame($HELLO, strings($VERSION, $release, @CHANNELS));
}

# The virtio-serial port that the host gave a name; the device may come up after the module.
sub find_port {
  my ($wanted) = @_;
  for (1 .. 500) {
    for my $port (names('/sys/class/virtio-ports')) {
      return "/dev/$port" if (eval { local $SIG{__DIE__}; slurp("/sys/class/virtio-ports/$port/name") } || '') =~ /^\Q$wanted\E$/m;
    }
    select undef, undef, undef, 0.01;
  }
  die "no port named $wanted";
}

sub listen_vsock {
  my ($port) = @_;
  socket my $listener, 40, 1, 0 or die "vsock: $!";
  bind $listener, pack('S S L L x4', 40, 0, $port, 0xffffffff) or die "vsock: $!";
  listen $listener, 1 or die "vsock: $!";
  return $listener;
}

# One connection from the host (context id 2), and never another.
sub accept_vsock {
  my ($listener) = @_;
  for (;;) {
    my $from = accept my $peer, $listener or die "vsock: $!";
    if ((unpack 'S S L L', $from)[3] == 2) { close $listener; return $peer }
    close $peer;
  }
}

# --- frames: u32 length of what follows, u8 type, payload; big endian ----------------------------------------------------------

sub send_frame {
  my ($type, $payload) = @_;
  my $bytes = pack('N C', 1 + length $payload, $type) . $payload;
  for (my $at = 0; $at < length $bytes;) {
    my $count = syswrite $channel, $bytes, length($bytes) - $at, $at;
    if (!defined $count) { next if $! == 4; power_off() }
    $at += $count;
  }
}

sub receive_frame {
  my $length = unpack 'N', receive(4);
  die 'frame of a length that is none' if $length < 1 || $length > $MAX_FRAME;
  my ($type, $payload) = unpack 'C a*', receive($length);
  return ($type, $payload);
}

# A host that is gone leaves nobody to work for.
sub receive {
  my ($length) = @_;
  my $bytes = '';
  while (length $bytes < $length) {
    my $count = sysread $channel, $bytes, $length - length $bytes, length $bytes;
    if (!defined $count) { next if $! == 4; power_off() }
    power_off() if $count == 0;
  }
  return $bytes;
}

sub strings { return pack '(N/a*)*', @_ }

sub fail {
  my ($why) = @_;
  $SIG{__DIE__} = 'DEFAULT';
  print STDERR "gadus agent: $why\n";
  exit 125 if $$ != 1;
  power_off() if !$channel;
  send_frame($FAILED, strings(substr $why, 0, 1000));
  farewell();
}

# Waits for the host to hang up: what it has not fetched yet would be lost with the machine.
sub farewell { receive(1) while 1 }

# Restart, which ends a VM whose VMM was told not to reboot.
sub power_off {
  syscall($SYS{reboot}, 0xfee1dead, 672274793, 0x1234567, 0);
  sleep 1 while 1;
}

# --- the host's orders ---------------------------------------------------------------------------------------------------------

# RUN: a list of orders, each a list of strings, carried out in their order.
sub read_run {
  my ($type, $payload) = receive_frame();
  die 'expected RUN' if $type != $RUN;
  my %run = (env => [], arg => [], output => [], set => {});
  my %orders = (
    set => sub { $run{set}{$_[0]} = $_[1] },
    env => sub { push @{$run{env}}, $_[0] },
    arg => sub { push @{$run{arg}}, $_[0] },
    output => sub { push @{$run{output}}, [@_] },
    seccomp => sub { $run{seccomp} = $_[0] },
    network => sub { $run{network} = $_[0] },
    # A file system of a disk: read-only EROFS with the disks its data lies on, or the writable scratch.
    erofs => sub { my ($at, $disk, @data) = @_; make_dirs($at); mount_at(find_disk($disk), $at, 'erofs', $RDONLY | $NOSUID | $NODEV, join ',', map { 'device=' . find_disk($_) } @data) },
    ext4 => sub { my ($at, $disk) = @_; make_dirs($at); mount_at(find_disk($disk), $at, 'ext4', $NOSUID | $NODEV | $NOATIME, 'nodiscard') },
    tmpfs => sub { my ($at, $options) = @_; mount_at('tmpfs', $at, 'tmpfs', $NOSUID | $NODEV, $options) },
    proc => sub { $run{proc} = $_[0] },
    devices => sub { devices($_[0]) },
    overlay => sub { my ($at, $options, $rw) = @_; make_dirs($at); mount_at('overlay', $at, 'overlay', $NOSUID | $NODEV | ($rw ? 0 : $RDONLY), $options) },
    bind => sub { my ($from, $at, $rw) = @_; mount_at($from, $at, '', $BIND, ''); mount_at('', $at, '', $BIND | $REMOUNT | $NOSUID | $NODEV | ($rw ? 0 : $RDONLY), '') },
    # What the job may write to: itself a directory or an empty file, and its own.
    own => sub { my ($path, $file) = @_; if ($file) { open my $handle, '>>', $path or die "$path: $!" } elsif (!-d $path) { mkdir $path, 0755 or die "$path: $!" } chown $JOB_UID, $JOB_GID, $path },
    dir => sub { make_dirs($_[0]) },
  );
  for my $record (unpack '(N/a*)*', $payload) {
    my ($order, @words) = unpack '(N/a*)*', $record;
    my $action = $orders{$order} or die "unknown order $order";
    $action->(@words);
  }
  return \%run;
}

# A disk by the serial number that the host gave it, or `#n`: the n-th that it attached.
sub find_disk {
  my ($name) = @_;
  if ($name =~ /^#(\d{1,2})$/ && $1 < 26) { return '/dev/vd' . chr(ord('a') + $1) }
  for my $disk (grep { /^vd/ } names('/sys/block')) { return "/dev/$disk" if slurp("/sys/block/$disk/serial") eq $name }
  die "no disk $name";
}

sub devices {
  my ($at) = @_;
  mount_at('tmpfs', $at, 'tmpfs', $NOSUID | $NOEXEC, 'mode=755,size=64k');
  # The mode of a device node is what mknod(2) is given, for no umask is set.
  umask 0;
  for (['null', 1, 3], ['zero', 1, 5], ['full', 1, 7], ['random', 1, 8], ['urandom', 1, 9], ['tty', 5, 0]) {
    my ($name, $major, $minor) = @$_;
    syscall(133, "$at/$name", 020666, $major << 8 | $minor) == 0 or die "mknod $name: $!";
  }
  umask 022;
  symlink '/proc/self/fd', "$at/fd";
  symlink "/proc/self/fd/$$_[1]", "$at/$$_[0]" for ['stdin', 0], ['stdout', 1], ['stderr', 2];
  mkdir "$at/shm", 0755;
  mount_at('', $at, '', $REMOUNT | $RDONLY | $NOSUID | $NOEXEC, 'mode=755,size=64k');
}

sub mount_at {
  my ($source, $at, $type, $flags, $options) = @_;
  syscall($SYS{mount}, "$source", "$at", "$type", $flags + 0, "$options") == 0 or die "mount $type $source at $at: $!";
}

sub make_dirs {
  my $at = '';
  for (split m{/}, $_[0]) { next if $_ eq ''; $at .= "/$_"; mkdir $at, 0755 if !-d $at }
}

# --- the job -------------------------------------------------------------------------------------------------------------------

# One job, from its preparation to its last output.
sub serve {
  my ($run) = @_;
  my $set = $run->{set};
  spew("$GROUP/memory.max", $set->{memoryBytes});
  spew("$GROUP/pids.max", $set->{processes});
  spew("$GROUP/cpu.max", $set->{cpuMax});
  spew("$GROUP/memory.oom.group", 0);
  my $before = disk_space($set->{scratch});
  # The job's network name space, a loopback that is down, is the agent's too: what the job finds there is made before it.
  syscall($SYS{unshare}, 0x40000000) == 0 or die "unshare: $!";
  my $relay = $run->{network} ? start_relay($run->{network}) : 0;
  my $job = spawn_init($run);
  my $sampler = sampler($job->{pid}, $set->{scratch}, $before->[0]);
  my $first = sample($sampler, 0, 1);
  send_frame($READY, strings(@$before));
  my ($type) = receive_frame();
  die 'expected GO' if $type != $GO;

  my $start = now_ms();
  send_frame($SAMPLE, pack 'd>*', 0, @$first);
  syswrite $job->{go}, "go\n";
  close $job->{go};
  my ($code, $timed_out, $end) = watch($run, $job, $sampler, $start);

  # The dead hand over their totals to the init, which has the sum of all once nothing lives.
  spew("$GROUP/cgroup.kill", 1);
  1 until read_ready($job->{reaped}, 1);
  drain($job, $set->{logBytes}, 1);
  my $last = sample($sampler, $job->{logged}, 1);
  if ($relay) { waitpid($relay, 1) == 0 or die 'the relay of the network is gone'; kill 'KILL', $relay }
  send_frame($SAMPLE, pack 'd>*', $end - $start, @$last);
  close $job->{release};
  waitpid $job->{pid}, 0;
  my ($kills) = slurp("$GROUP/memory.events") =~ /^oom_kill (\d+)/m;
  send_frame($ENDED, strings($code, $timed_out, $kills || 0, $job->{cut}[0], $job->{cut}[1], @{$sampler}{qw(cpuNs lost late)}, @{disk_space($set->{scratch})}));
  my $budget = {bytes => $set->{diskBytes}, entries => $set->{entries}};
  hand_over($_->[0], $_->[1], $budget) for @{$run->{output}};
  send_frame($DONE, '');
}

# Forks the job's init, the first process of a name space of its own, and it the command, which waits for GO.
sub spawn_init {
  my ($run) = @_;
  my (%read, %write);
  for (qw(stdout stderr go code reaped release)) { pipe $read{$_}, $write{$_} or die "pipe: $!" }
  # A job that opens /dev/stdout anew needs to own what is behind it.
  chown $JOB_UID, $JOB_GID, $write{$_} for qw(stdout stderr);
  # pid, mount, ipc, uts
  syscall($SYS{unshare}, 0x20000000 | 0x00020000 | 0x08000000 | 0x04000000) == 0 or die "unshare: $!";
  my $pid = fork;
  die "fork: $!" if !defined $pid;
  if ($pid == 0) {
    close $_ for $channel, @read{qw(stdout stderr code reaped)}, @write{qw(go release)};
    init($run, \%read, \%write);
  }
  close $_ for @write{qw(stdout stderr code reaped)}, @read{qw(go release)};
  nonblocking($_) for @read{qw(stdout stderr)};
  return {pid => $pid, out => [$read{stdout}, $read{stderr}], go => $write{go}, code => $read{code}, reaped => $read{reaped},
    release => $write{release}, logged => 0, kept => [0, 0], cut => [0, 0], open => [1, 1]};
}

# Process 1 of the job: reaps everything, tells the command's fate, and stays to hold the totals until it is released.
sub init {
  my ($run, $read, $write) = @_;
  # It is process 1 of its own name space: its failure shows on the console and by its pipes.
  $SIG{__DIE__} = sub { print STDERR "gadus init: $_[0]"; syscall(231, 125) };
  syscall($SYS{sched_setscheduler}, 0, 0, my $priority = pack 'i', 0);
  mount_at('proc', $run->{proc}, 'proc', $NOSUID | $NODEV | $NOEXEC, '') if $run->{proc};
  syscall($SYS{sethostname}, my $host = 'gadus', 5);
  my $main = fork;
  die "fork: $!" if !defined $main;
  if ($main == 0) {
    close $_ for @{$write}{qw(code reaped)}, $read->{release};
    command($run, $read, $write);
  }
  close $_ for @{$write}{qw(stdout stderr)}, $read->{go};
  for (;;) {
    my $pid = waitpid -1, 0;
    last if $pid < 0;
    next if $pid != $main;
    syswrite $write->{code}, ($? & 127 ? 128 + ($? & 127) : $? >> 8) . "\n";
  }
  syswrite $write->{reaped}, "done\n";
  sysread $read->{release}, my $line, 1;
  syscall(231, 0);
}

# Becomes the job's command, as nobody, in its own root.
sub command {
  my ($run, $read, $write) = @_;
  $SIG{__DIE__} = 'DEFAULT';
  spew('/proc/self/oom_score_adj', 0);
  spew("$GROUP/cgroup.procs", 0);
  open STDIN, '<', '/dev/null';
  open STDOUT, '>&', $write->{stdout};
  open STDERR, '>&', $write->{stderr};
  close $_ for @{$write}{qw(stdout stderr)};
  $SIG{$_} = 'DEFAULT' for qw(PIPE);
  sysread $read->{go}, my $go, 3;
  close $read->{go};
  exit 125 if !defined $go || $go ne "go\n";
  syscall(112);
  chroot $run->{set}{root} or quit(125, "root: $!");
  chdir $run->{set}{workdir} or quit(125, "$run->{set}{workdir}: $!");
  # Open files, soft and hard; no core dumps.
  syscall($SYS{setrlimit}, 7, my $files = pack 'QQ', 1024, 65536);
  syscall($SYS{setrlimit}, 4, my $core = pack 'QQ', 0, 0);
  for (0 .. 40) { syscall($SYS{prctl}, 24, $_, 0, 0, 0) }
  syscall($SYS{setgroups}, 1, my $groups = pack 'L', $JOB_GID) == 0 or quit(125, "groups: $!");
  syscall(119, $JOB_GID, $JOB_GID, $JOB_GID) == 0 or quit(125, "gid: $!");
  syscall(117, $JOB_UID, $JOB_UID, $JOB_UID) == 0 or quit(125, "uid: $!");
  syscall($SYS{prctl}, 38, 1, 0, 0, 0) == 0 or quit(125, "no_new_privs: $!");
  syscall($SYS{prctl}, 22, 2, pack('S x6 P', length($run->{seccomp}) / 8, $run->{seccomp}), 0, 0) == 0 or quit(125, "seccomp: $!");
  my ($name, @arguments) = @{$run->{arg}};
  my ($path) = map { /^PATH=(.*)/s ? $1 : () } @{$run->{env}};
  my $file = $name =~ m{/} ? $name : look_up($name, $path);
  my $why = execute($file, [$name, @arguments], $run->{env});
  # What is executable without being a program is a script, as for every shell.
  if ($why == 8) { execute('/bin/sh', ['/bin/sh', $file, @arguments], $run->{env}) }
  quit($why == 2 || $why == 20 ? 127 : 126, "$file: " . ($why == 2 ? 'not found' : $why == 13 ? 'not executable' : "error $why"));
}

# execve(2) by hand, because Perl's own would shuffle the environment. Returns the error's number.
sub execute {
  my ($file, $arguments, $environment) = @_;
  my ($argv, $envp) = map { pack('p*', @$_) . pack 'Q', 0 } $arguments, $environment;
  syscall(59, "$file", $argv, $envp);
  return $! + 0;
}

sub look_up {
  my ($name, $path) = @_;
  my $blocked;
  for my $directory (split /:/, $path, -1) {
    my $file = ($directory eq '' ? '.' : $directory) . "/$name";
    next if !-f $file;
    return $file if -x _;
    $blocked = $file;
  }
  quit(126, "$blocked: not executable") if defined $blocked;
  quit(127, "$name: command not found");
}

sub quit {
  my ($code, $why) = @_;
  syswrite STDERR, "gadus: $why\n";
  # Straight out: nothing of Perl's own ending may run in the job's place.
  syscall(231, $code + 0);
}

# Waits for the job's end, and brings it about when its time is over; passes on the log; samples.
sub watch {
  my ($run, $job, $sampler, $start) = @_;
  my $set = $run->{set};
  my $interval = $set->{intervalMs};
  my ($note_due, $note_pause, $notes) = ($start + $set->{noteMs}, $set->{noteMs}, 0);
  my ($due, $earliest, $deadline, $timed_out) = ($start + $interval, $start, $start + $set->{timeoutMs}, 0);
  for (;;) {
    my $next = $due > $earliest ? $due : $earliest;
    my $wait = ($next < $deadline ? $next : $deadline) - now_ms();
    my $ready = '';
    vec($ready, fileno $job->{code}, 1) = 1;
    vec($ready, fileno $channel, 1) = 1;
    for (0, 1) { vec($ready, fileno $job->{out}[$_], 1) = 1 if $job->{open}[$_] }
    my $count = select $ready, undef, undef, $wait > 0 ? $wait / 1000 : 0;
    $ready = '' if $count <= 0;
    # The host has nothing to say now but that it is gone.
    receive(1), die 'unexpected frame' if vec $ready, fileno $channel, 1;
    drain($job, $set->{logBytes}, 0);
    my $now = now_ms();
    if (vec $ready, fileno $job->{code}, 1) {
      sysread $job->{code}, my $code, 16 or die 'the job\'s init is gone';
      return (int $code, $timed_out, $now);
    }
    if ($now >= $deadline) {
      if ($timed_out) { spew("$GROUP/cgroup.kill", 1); $deadline = $now + $KILL_GRACE_MS }
      else { kill 'TERM', split /\n/, slurp("$GROUP/cgroup.procs"); $timed_out = 1; $deadline = $now + $KILL_GRACE_MS }
    }
    next if $now < $next;
    my $cpu = thread_ns();
    my $values = sample($sampler, $job->{logged}, 0);
    send_frame($SAMPLE, pack 'd>*', $now - $start, @$values);
    $sampler->{cpuNs} += thread_ns() - $cpu;
    my $late = $now - $due;
    $sampler->{late} = $late if $late > $sampler->{late};
    my $done = now_ms();
    $earliest = $done + ($done - $now) * $IDLE_FACTOR;
    my $missed = int((($earliest > $done ? $earliest : $done) - $due) / $interval);
    $missed = 0 if $missed < 0;
    $sampler->{lost} += $missed;
    $due += ($missed + 1) * $interval;
    next if $done < $note_due;
    $cpu = thread_ns();
    my $found = growth($run->{output});
    send_frame($NOTE, strings($now - $start, @$found, 'stdout', $job->{kept}[0])) if $found;
    # As the host keeps them: every second one is dropped when there are many, and they become half as frequent.
    if ($found && ++$notes >= ($note_pause < $SLOW_NOTE_MS ? $FINE_NOTES : $MAX_NOTES)) { $notes = int $notes / 2; $note_pause *= 2 }
    $sampler->{cpuNs} += thread_ns() - $cpu;
    my $cost = (now_ms() - $done) * $IDLE_FACTOR;
    $note_due = $done + ($cost > $note_pause ? $cost : $note_pause);
  }
}

# Path in the result and length of every file of the outputs now; nothing when there are too many. Links are not followed.
sub growth {
  my ($outputs) = @_;
  my @found;
  OUTPUT: for (@$outputs) {
    my ($name, $path) = @$_;
    my $at = '';
    for (grep { $_ ne '' } split m{/}, $path) { $at .= "/$_"; next OUTPUT if -l $at || !-e _ }
    my @open = ([$name, $path]);
    while (my $next = pop @open) {
      my ($shown, $place) = @$next;
      my (undef, undef, undef, undef, undef, undef, undef, $size) = lstat $place;
      next if !defined $size;
      if (-f _) { push @found, $shown, $size; return if @found > 2 * $MAX_NOTED }
      elsif (-d _) {
        my @names = names($place);
        return if @names > $MAX_NOTED || @open > 4 * $MAX_NOTED;
        push @open, map { ["$shown/$_", "$place/$_"] } @names;
      }
    }
  }
  return \@found;
}

# Passes on what the job has written, up to the limit of each stream, and drops the rest.
sub drain {
  my ($job, $limit, $all) = @_;
  for my $i (0, 1) {
    for (my $round = 0; $job->{open}[$i] && ($all || $round < 4); $round++) {
      my $count = sysread $job->{out}[$i], my $bytes, $CHUNK;
      last if !defined $count;
      if ($count == 0) { $job->{open}[$i] = 0; last }
      my $room = $limit - $job->{kept}[$i];
      if ($count > $room) { $job->{cut}[$i] = 1; $bytes = substr $bytes, 0, $room }
      next if $bytes eq '';
      $job->{kept}[$i] += length $bytes;
      $job->{logged} += length $bytes;
      send_frame($i ? $STDERR : $STDOUT, $bytes);
    }
  }
}

# --- the network -----------------------------------------------------------------------------------------------------------------

# Starts the process that takes the job's connections on its loopback and passes them on to the host, over a channel of their own.
sub start_relay {
  my ($port) = @_;
  socket my $listener, 2, 1, 0 or die "socket: $!";
  # SIOCSIFFLAGS: up and running.
  ioctl $listener, 0x8914, my $request = pack('a16 s x22', 'lo', 0x41) or die "loopback: $!";
  bind $listener, pack('S n C4 x8', 2, $port, 127, 0, 0, 1) or die "port $port: $!";
  listen $listener, 64 or die "port $port: $!";
  my $tunnel;
  if ($vsock) { $tunnel = listen_vsock($vsock + 1) }
  else { open($tunnel, '+<', find_port('gadus-net')) or die "tunnel: $!" }
  my $pid = fork;
  die "fork: $!" if !defined $pid;
  return $pid if $pid;
  $SIG{__DIE__} = sub { print STDERR "gadus relay: $_[0]"; syscall(231, 125) };
  close $channel;
  syscall($SYS{sched_setscheduler}, 0, 0, my $priority = pack 'i', 0);
  $tunnel = accept_vsock($tunnel) if $vsock;
  syscall($SYS{setgroups}, 0, 0) == 0 && syscall(119, $RELAY_ID, $RELAY_ID, $RELAY_ID) == 0 && syscall(117, $RELAY_ID, $RELAY_ID, $RELAY_ID) == 0 or die "rights: $!";
  relay($listener, $tunnel);
  syscall(231, 0);
}

# Frames: those of the channel, whose payload begins with the number of a stream (u32). OPEN; BYTES; CREDIT (u32: bytes that may be sent
# on); END (no more bytes); RESET (none either way; what came before an END is still passed on). Returns when the host hangs up.
sub relay {
  my ($listener, $tunnel) = @_;
  nonblocking($_) for $listener, $tunnel;
  binmode $tunnel;
  my (%streams, $in, $out);
  my $newest = 0;
  my $say = sub { my ($type, $id, $rest) = @_; $out .= pack 'N C N a*', 5 + length $rest, $type, $id, $rest };
  my $drop = sub { my ($s, $reset) = @_; $say->($RESET, $s->{id}, '') if $reset; close $s->{socket}; delete $streams{$s->{id}} };
  # Both sides have said all they will.
  my $settle = sub {
    my ($s) = @_;
    return if !$s->{told} || $s->{out} ne '';
    if ($s->{heard}) { $drop->($s, 0) } elsif (!$s->{shut}++) { shutdown $s->{socket}, 1 }
  };
  $in = $out = '';
  for (;;) {
    my ($readers, $writers) = ('', '');
    vec($readers, fileno $tunnel, 1) = 1;
    vec($writers, fileno $tunnel, 1) = 1 if $out ne '';
    vec($readers, fileno $listener, 1) = 1 if keys %streams < $MAX_STREAMS;
    for (values %streams) {
      vec($readers, fileno $_->{socket}, 1) = 1 if !$_->{heard} && $_->{credit} > 0 && length $out < $CHUNK;
      vec($writers, fileno $_->{socket}, 1) = 1 if $_->{out} ne '';
    }
    next if select($readers, $writers, undef, undef) < 0;

    for my $s (my @now = values %streams) {
      my $fd = fileno $s->{socket};
      if (vec $writers, $fd, 1) {
        my $count = syswrite $s->{socket}, $s->{out};
        if (!defined $count) { next if $! == 11 || $! == 4; $drop->($s, 1); next }
        substr $s->{out}, 0, $count, '';
        $s->{owed} += $count;
        if ($s->{owed} >= $WINDOW / 4) { $say->($CREDIT, $s->{id}, pack 'N', $s->{owed}); $s->{owed} = 0 }
        $settle->($s);
      }
      if ($streams{$s->{id}} && length $out < $CHUNK && vec $readers, $fd, 1) {
        my $count = sysread $s->{socket}, my $bytes, $s->{credit} < $CHUNK ? $s->{credit} : $CHUNK;
        if (!defined $count) { next if $! == 11 || $! == 4; $drop->($s, 1); next }
        if ($count == 0) { $s->{heard} = 1; $say->($END, $s->{id}, ''); $settle->($s); next }
        $s->{credit} -= $count;
        $say->($BYTES, $s->{id}, $bytes);
      }
    }
    if (vec($readers, fileno $listener, 1) && accept my $socket, $listener) {
      nonblocking($socket);
      binmode $socket;
      $newest++;
      $streams{$newest} = {id => $newest, socket => $socket, credit => $WINDOW, out => '', owed => 0, heard => 0, told => 0, shut => 0};
      $say->($OPEN, $newest, '');
    }
    if (vec $readers, fileno $tunnel, 1) {
      my $count = sysread $tunnel, $in, $CHUNK, length $in;
      return if defined $count ? $count == 0 : $! != 11 && $! != 4;
      while (length $in >= 4) {
        my $length = unpack 'N', $in;
        die 'frame of a length that is none' if $length < 5 || $length > $CHUNK + 5;
        last if length $in < 4 + $length;
        my ($type, $id, $rest) = unpack 'x4 C N a*', substr $in, 0, 4 + $length, '';
        # What is said of a stream that is over was on its way.
        my $s = $streams{$id} or next;
        if ($type == $BYTES) { $s->{out} .= $rest; die 'bytes beyond the window' if $s->{told} || length $s->{out} > $WINDOW }
        elsif ($type == $CREDIT) { $s->{credit} += unpack 'N', $rest }
        elsif ($type == $END) { $s->{told} = 1; $settle->($s) }
        elsif ($type == $RESET) { $s->{heard} = 1; if ($s->{told}) { $settle->($s) } else { $drop->($s, 0) } }
        else { die "unknown frame $type" }
      }
    }
    if ($out ne '') {
      my $count = syswrite $tunnel, $out, length $out < $CHUNK ? length $out : $CHUNK;
      if (defined $count) { substr $out, 0, $count, '' } elsif ($! != 11 && $! != 4) { return }
    }
  }
}

# --- sampling: the same channels, by the same rules, as the container engine's sampler -------------------------------------------

sub sampler {
  my ($init, $scratch) = @_;
  my %files = map { my $handle; open $handle, '<', $$_[1] or die "$$_[1]: $!"; $$_[0] => $handle }
    ['cpu', "$GROUP/cpu.stat"], ['memory', "$GROUP/memory.stat"], ['tasks', "$GROUP/pids.current"];
  return {init => $init, scratch => $scratch, files => \%files, table => {}, order => [], tasks => -1, round => -1, gone => 0,
    cpuNs => 0, lost => 0, late => 0, used => 0, open => 0, memory => [0, 0]};
}

# Values in the order of @CHANNELS. Parents are read before their children: a child that ends in between is then missed for one
# sample and never counted twice.
sub sample {
  my ($s, $logged, $whole) = @_;
  my $round = ++$s->{round};
  my $tasks = again($s->{files}{tasks});
  if ($whole || $tasks != $s->{tasks} || $round % $REFRESH_STRIDE == 0) {
    $s->{tasks} = $tasks;
    my @fresh = grep { !$s->{table}{$_} } $s->{init}, $whole ? keys %{{map { $_ => 1 } split /\n/, slurp("$GROUP/cgroup.procs")}} : split /\n/, slurp("$GROUP/cgroup.procs");
    for (sort { $a <=> $b } @fresh) { $s->{table}{$_} = {switches => 0}; push @{$s->{order}}, $_ }
  }
  my ($minor, $major, $read, $written, $reads, $writes, $switches, $processes) = (0) x 8;
  my @kept;
  for my $pid (@{$s->{order}}) {
    my $entry = $s->{table}{$pid};
    my $stat = proc_file($s, $entry, $pid, 'stat');
    if ($stat !~ /\) (\S) (.*)/s || ($entry->{start} ||= (split / /, $2)[18]) != (split / /, $2)[18]) {
      $s->{gone} += $entry->{switches};
      $s->{open}-- if delete $entry->{keeps};
      delete $s->{table}{$pid};
      $s->{tasks} = -1;
      next;
    }
    push @kept, $pid;
    my $alive = $1 ne 'Z' && $1 ne 'X';
    my @fields = split / /, $2;
    $minor += $fields[6] + $fields[7];
    $major += $fields[8] + $fields[9];
    $processes++ if $alive && $pid != $s->{init};
    my ($r, $w, $rc, $wc) = proc_file($s, $entry, $pid, 'io') =~ /(\d+)/g;
    $read += $r || 0; $written += $w || 0; $reads += $rc || 0; $writes += $wc || 0;
    if ($alive && ($whole || $round % $REFRESH_STRIDE == 0)) {
      if ($fields[16] > 1) {
        my $sum = 0;
        $sum += (split / /, (eval { local $SIG{__DIE__}; slurp("/proc/$pid/task/$_/schedstat") } || '0 0 0'))[2] for names("/proc/$pid/task");
        $entry->{switches} = $sum if $sum > $entry->{switches};
      } else { $entry->{switches} = (split / /, proc_file($s, $entry, $pid, 'schedstat') || '0 0 0')[2] + 0 }
    }
    $switches += $entry->{switches};
  }
  $s->{order} = \@kept;
  my ($usage, $user, $system) = again($s->{files}{cpu}) =~ /(\d+)/g;
  $s->{memory} = [again($s->{files}{memory}) =~ /(\d+)/g];
  if ($whole || $round % $REFRESH_STRIDE == 0 || $written != ($s->{written} || 0)) {
    $s->{written} = $written;
    $s->{used} = disk_space($s->{scratch})->[0];
  }
  return [$user * 1000, $system * 1000, $usage * 1000, $s->{memory}[0], $s->{memory}[1], $minor, $major, $read, $written, $reads, $writes,
    $switches + $s->{gone}, $processes, $s->{used} + $logged];
}

sub proc_file {
  my ($s, $entry, $pid, $name) = @_;
  if (!$entry->{$name}) {
    if (!$entry->{keeps} && $s->{open} < $MAX_OPEN) { $entry->{keeps} = 1; $s->{open}++ }
    open my $handle, '<', "/proc/$pid/$name" or return '';
    return again($handle) if !$entry->{keeps};
    $entry->{$name} = $handle;
  }
  return again($entry->{$name});
}

# All of a file of the kernel's, from its beginning.
sub again {
  my ($handle) = @_;
  sysseek $handle, 0, 0;
  my $count = sysread $handle, my $text, 4096;
  return $count ? $text : '';
}

# --- outputs -------------------------------------------------------------------------------------------------------------------

# Sends one output, a file or a directory, as entries with data; links are sent as links, and never followed.
sub hand_over {
  my ($name, $path, $budget) = @_;
  my @steps = split m{/}, $path;
  # A job can make any directory on the way a link: the way is walked link by link.
  my $at = '';
  for (@steps[1 .. $#steps]) {
    $at .= "/$_";
    if (-l $at) { send_frame($ENTRY, strings('none', $name, '', $at eq $path ? 'is a link: not taken' : 'does not exist', 0)); return }
    if (!-e $at) { send_frame($ENTRY, strings('none', $name, '', 'does not exist', 0)); return }
  }
  walk($name, '', $path, $budget, 0);
}

sub walk {
  my ($name, $below, $path, $budget, $depth) = @_;
  my (undef, undef, $mode, undef, undef, undef, undef, $size) = lstat $path;
  return if !defined $mode;
  # Some are left for the remarks.
  if (--$budget->{entries} < $MAX_OUTPUTS) {
    send_frame($ENTRY, strings('none', $name, '', 'has too many entries: not all are taken', 0)) if !$budget->{told}++;
    return;
  }
  if (-l _) { send_frame($ENTRY, strings('link', $name, $below, readlink($path), 0)); return }
  if (-d _) {
    send_frame($ENTRY, strings('dir', $name, $below, $mode & 0777, 0));
    return if $depth >= $MAX_DEPTH;
    for (names($path)) {
      my $at = $below eq '' ? $_ : "$below/$_";
      if (length $at <= $MAX_PATH) { walk($name, $at, "$path/$_", $budget, $depth + 1); next }
      send_frame($ENTRY, strings('none', $name, '', "has paths longer than $MAX_PATH bytes: not taken", 0)) if !$budget->{long}{$name}++;
    }
    return;
  }
  if (!-f _) { send_frame($ENTRY, strings('none', $name, $below, 'is neither a file nor a directory: not taken', 0)) if $depth == 0; return }
  if ($size > $budget->{bytes}) { send_frame($ENTRY, strings('none', $name, $below, 'is larger than the disk: not taken', 0)); return }
  $budget->{bytes} -= $size;
  open my $file, '<', $path or return;
  send_frame($ENTRY, strings('file', $name, $below, $mode & 0777, $size));
  while ($size > 0) {
    my $count = sysread $file, my $bytes, $size < $CHUNK ? $size : $CHUNK;
    die "output $name: cannot be read" if !$count;
    send_frame($DATA, $bytes);
    $size -= $count;
  }
}

# --- small things --------------------------------------------------------------------------------------------------------------

# Used and free bytes, and free inodes, of a file system (statfs(2)).
sub disk_space {
  my $buffer = "\0" x 120;
  syscall($SYS{statfs}, "$_[0]", $buffer) == 0 or die "statfs: $!";
  my (undef, $size, $blocks, $free, $available, $files, $inodes) = unpack 'q7', $buffer;
  return [($blocks - $free) * $size, $available * $size, $files ? $inodes : 1];
}

sub now_ms {
  my $buffer = "\0" x 16;
  syscall($SYS{clock_gettime}, 1, $buffer);
  my ($seconds, $nanos) = unpack 'qq', $buffer;
  return $seconds * 1000 + $nanos / 1e6;
}

sub thread_ns {
  my $buffer = "\0" x 16;
  syscall($SYS{clock_gettime}, 3, $buffer);
  my ($seconds, $nanos) = unpack 'qq', $buffer;
  return $seconds * 1e9 + $nanos;
}

sub read_ready {
  my ($handle, $seconds) = @_;
  my $ready = '';
  vec($ready, fileno $handle, 1) = 1;
  return select($ready, undef, undef, $seconds) > 0;
}

# What a directory holds, sorted; nothing when it cannot be read.
sub names {
  opendir my $directory, $_[0] or return;
  return sort grep { $_ ne '.' && $_ ne '..' } readdir $directory;
}

sub nonblocking { syscall(72, fileno $_[0], 4, 04000) }

sub slurp {
  open my $handle, '<', $_[0] or die "$_[0]: $!";
  local $/;
  return scalar <$handle>;
}

sub spew {
  open my $handle, '>', $_[0] or die "$_[0]: $!";
  defined syswrite $handle, "$_[1]" or die "$_[0]: $!";
}
