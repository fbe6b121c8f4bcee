/** Looks the command up in PATH, as the shell would without its own applets, and becomes it: 127 when there is none, 126 when it is not executable. */
export const COMMAND_SCRIPT = `
  case $1 in
    */*) ;;
    *)
      name=$1 found= blocked=
      IFS=:
      for directory in $PATH; do
        file=\${directory:-.}/$name
        if [ -f "$file" ]; then
          if [ -x "$file" ]; then found=$file; break; fi
          blocked=$file
        fi
      done
      unset IFS
      if [ -z "$found" ]; then
        if [ -n "$blocked" ]; then echo "gadus: $blocked: not executable" >&2; exit 126; fi
        echo "gadus: $name: command not found" >&2
        exit 127
      fi
      shift
      set -- "$found" "$@"
      ;;
  esac
  unset name found blocked directory file
  exec "$@"
`;

/**
 * What runs as process 1 of a container (and as the parent of a recorded command): a POSIX shell script that keeps the
 * job waiting until the sampler is ready, stays to hold its totals, and waits to be killed.
 *
 * Descriptor 3 is a socket to the engine, 4 a file for the exit status; the command gets neither.
 *
 * - Why a shell of our own, not `runc exec` or a second process on the host: process 1 is the parent of last resort, so
 *   every child's counters end up in it, and they stay readable as long as it lives.
 * - Why it runs as the job's own user, without any capability, instead of as root with CAP_SETUID: it executes a file that
 *   this user may not read (mode 0111), so the kernel marks it not dumpable, and the job can neither trace it nor open its
 *   descriptors under /proc/1; process 1 ignores signals from inside. The job is left with an empty bounding set.
 * - Why the end is written twice: the line on the socket wakes the engine's event loop, the file is seen by the sampler's
 *   thread even while that loop is busy.
 * - The command is looked up here because busybox would prefer its own applets to the image's programs.
 * - INT and QUIT are the signals that a shell would catch by itself; from inside, process 1 ignores all others.
 * - A subshell, in the foreground: shells make background jobs ignore SIGINT, and print the fate of simple commands.
 */
export const INIT_SCRIPT = `
set -f
trap '' INT QUIT
exec 5>&2 2>/dev/null
echo ready >&3
read -r go <&3 || exit 125
(
  exec 2>&5 3>&- 4>&- 5>&-
  trap - INT QUIT
  unset PWD OLDPWD SHLVL go
${COMMAND_SCRIPT})
code=$?
echo "$code" >&4
echo "exit $code" >&3
read -r release <&3
`;
