import { COMMAND_SCRIPT } from '../init-script.ts';

/**
 * What runs as process 1 of a container of Docker's: as the container engine's init, but Docker passes no descriptors on. So it is spoken to by its
 * standard input, the job's being empty, and speaks by lines among the job's own errors that bear a word which the job never sees (`readMarks`).
 * Docker gives every container a HOSTNAME, which no other engine's job has.
 */
export const DOCKER_INIT_SCRIPT = `
set -f
trap '' INT QUIT
exec 5>&2 2>/dev/null
IFS= read -r word || exit 125
echo "$word ready" >&5
IFS= read -r go || exit 125
(
  exec 0</dev/null 2>&5 5>&-
  trap - INT QUIT
  unset PWD OLDPWD SHLVL go word
  if [ -n "$GADUS_UNSET" ]; then unset HOSTNAME; fi
  unset GADUS_UNSET
${COMMAND_SCRIPT}
)
code=$?
echo "$word exit $code" >&5
read -r release
`;
