#!/bin/perl
# A guest that has been taken over: in the place of the agent, it speaks the protocol of docs/microvm.md up to a point and then attacks the
# host over it. Which attack is written on the index disk (`GADUS-ATTACK:name;`, a small input file of the run).
use strict;

my ($HELLO, $READY, $STDOUT, $STDERR, $SAMPLE, $ENDED, $ENTRY, $DATA, $DONE, $FAILED, $NOTE) = (1 .. 11);
my ($OPEN, $BYTES, $CREDIT, $END, $RESET) = (1 .. 5);
my @CHANNELS = qw(cpuUserNs cpuSystemNs cpuNs residentBytes cacheBytes minorFaults majorFaults readBytes writtenBytes readCalls writeCalls
  contextSwitches processes outputBytes);
my $MEGABYTE = 'x' x (1 << 20);
my $CHUNK = 'x' x (1 << 16);
my ($channel, $tunnel);
$SIG{__DIE__} = sub { print STDERR "hostile agent: $_[0]"; restart() };

for (['proc', '/proc'], ['sysfs', '/sys'], ['devtmpfs', '/dev']) {
  my ($type, $at) = @$_;
  mkdir $at;
  syscall(165, $type, $at, $type, 0, my $options = '');
}
for my $name (split /\n/, slurp('/modules/order')) {
  next if $name =~ /vsock|overlay|erofs|balloon/;
  open my $module, '<', "/modules/$name" or die;
  syscall(313, fileno($module), my $options = '', 0);
}
open $channel, '+<', port('gadus') or die;
select undef, undef, undef, 0.01 while !-e '/dev/vdb';
my ($attack) = slurp('/dev/vdb') =~ /GADUS-ATTACK:([\w-]+);/ or die 'no attack';

# --- before the job ------------------------------------------------------------------------------------------------------------

raw("\xff\xff\xff\xff\x01" . $MEGABYTE) if $attack eq 'frame-of-4-gib';
forever("\0" x 65536) if $attack eq 'zeros';
frame($ENDED, ended(0)) if $attack eq 'end-before-beginning';
frame($FAILED, strings("\e[2J" . 'x' x 900_000)) if $attack eq 'endless-excuse';
frame($HELLO, strings(2, '6.1', @CHANNELS));
expect();
if ($attack eq 'half-a-frame') { raw(substr packed($READY, strings(0, 1000, 10)), 0, 7); rest() }
if ($attack eq 'half-a-frame-and-gone') { raw(substr packed($READY, strings(0, 1000, 10)), 0, 7); restart() }
if ($attack eq 'console') { syswrite STDERR, $CHUNK while 1 }
if ($attack eq 'empty-words') { frame($READY, "\0" x ((1 << 20) - 1)); rest() }
frame($READY, strings(0, 1000, 10));
expect();
frame($SAMPLE, sample(0));

# --- while it runs -------------------------------------------------------------------------------------------------------------

forever(packed($STDOUT, $CHUNK)) if $attack eq 'endless-log';
forever(packed($STDOUT, '')) if $attack eq 'endless-log-of-nothing';
forever(join '', map { packed($SAMPLE, sample($_)) } 1 .. 500) if $attack eq 'endless-samples';
if ($attack eq 'endless-notes') { for (my $i = 0; ; $i++) { frame($NOTE, strings($i, map { ("$i-$_-" . 'x' x 2000, 7) } 1 .. 256)) } }
if ($attack =~ /^tunnel/) {
  open $tunnel, '+<', port('gadus-net') or die;
  $channel = $tunnel;
  forever("\xff" x 65536) if $attack eq 'tunnel-noise';
  stream($OPEN, 1);
  stream($BYTES, 1, $CHUNK) while $attack eq 'tunnel-endless-bytes';
  if ($attack eq 'tunnel-endless-streams') { for (my $id = 2; ; $id++) { stream($OPEN, $id); stream($BYTES, $id, 'GET') } }
  if ($attack eq 'tunnel-endless-requests') {
    # Allowed places, refused places, half requests: all that the proxy may be asked, and no answer is ever fetched.
    for (my $id = 2; ; $id++) { stream($OPEN, $id); stream($BYTES, $id, $_) for "CONNECT data.test:1 HTTP/1.1\r\n\r\n", "GET http://other.test/ HTTP/1.1\r\n\r\n" x 100; stream($END, $id); stream($RESET, $id) if $id % 2 }
  }
  rest();
}
frame($ENDED, ended($attack eq 'exit-code-that-is-none' ? 999 : 0));
frame($ENDED, ended(0)) if $attack eq 'second-end';

# --- outputs -------------------------------------------------------------------------------------------------------------------

if ($attack eq 'outputs-after-the-end') { frame($DONE, ''); frame($ENTRY, entry('dir', '')); raw($MEGABYTE); rest() }
frame($ENTRY, entry('dir', ''));
frame($ENTRY, entry('file', '../../../escaped', '', 7)) if $attack eq 'climb';
frame($ENTRY, strings('file', '../escaped', '', 0644, 7)) if $attack eq 'climb-by-name';
if ($attack eq 'through-a-link') { frame($ENTRY, entry('link', 'l', '/tmp')); frame($ENTRY, entry('file', 'l/gadus-escaped', '', 7)) }
frame($ENTRY, entry('link', 'l', '/' . 'x' x 900_000)) if $attack eq 'long-link';
frame($ENTRY, entry('file', 'giant', '', '1e15')) if $attack eq 'giant';
if ($attack eq 'more-than-its-size') { frame($ENTRY, entry('file', 'f', '', 7)); forever(packed($DATA, $CHUNK)) }
if ($attack eq 'endless-data-of-nothing') { frame($ENTRY, entry('file', 'f', '', 7)); forever(packed($DATA, '')) }
forever(join '', map { packed($ENTRY, entry('none', 'x' x 200, 'y' x 200)) } 1 .. 100) if $attack eq 'endless-remarks';
if ($attack eq 'endless-directories') { for (my $i = 0; ; $i++) { frame($ENTRY, entry('dir', "d$i")) } }
if ($attack eq 'drop-by-drop') { frame($ENTRY, entry('file', 'f', '', 1 << 20)); while (1) { frame($DATA, 'x'); select undef, undef, undef, 0.2 } }
if ($attack eq 'nothing-more') { rest() }
die "no such attack: $attack";

# --- words ---------------------------------------------------------------------------------------------------------------------

sub port {
  my ($wanted) = @_;
  for (1 .. 1000) {
    opendir my $ports, '/sys/class/virtio-ports';
    for my $at (grep { /^vport/ } readdir $ports) { return "/dev/$at" if slurp("/sys/class/virtio-ports/$at/name") =~ /^$wanted$/m }
    select undef, undef, undef, 0.01;
  }
  die "no port $wanted";
}

sub strings { return pack '(N/a*)*', @_ }
sub packed { my ($type, $payload) = @_; return pack('N C', 1 + length $payload, $type) . $payload }
sub frame { raw(packed(@_)) }
sub stream { my ($type, $id, $rest) = @_; frame($type, pack('N', $id) . $rest) }
sub sample { return pack 'd>*', $_[0], (1) x @CHANNELS }
sub ended { return strings($_[0], 0, 0, 0, 0, 1, 0, 1, 0, 1000, 10) }
sub entry { my ($kind, $below, $word, $size) = @_; return strings($kind, 'outputs', $below, $word || 0644, $size || 0) }
sub forever { raw($_[0]) while 1 }
sub rest { sleep 1 while 1 }
sub restart { syscall(169, 0xfee1dead, 672274793, 0x1234567, 0); rest() }

sub raw {
  my ($bytes) = @_;
  for (my $at = 0; $at < length $bytes;) { my $count = syswrite $channel, $bytes, length($bytes) - $at, $at; rest() if !defined $count; $at += $count }
}

# Reads a frame of the host's, whatever it says.
sub expect {
  my $length = unpack 'N', take(4);
  take($length);
}

sub take {
  my ($length) = @_;
  my $bytes = '';
  while (length $bytes < $length) { sysread $channel, $bytes, $length - length $bytes, length $bytes or rest() }
  return $bytes;
}

# Empty as long as it is not there.
sub slurp { open my $handle, '<', $_[0] or return ''; local $/; return scalar <$handle> }
