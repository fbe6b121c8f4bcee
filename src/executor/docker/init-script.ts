import path from 'node:path';
import { INIT_PATH } from '../constants.ts';
import { COMMAND_SCRIPT } from '../init-script.ts';

/** Where the image's files are seen that the job's disk lies over, a number behind it. */
export const COVERED_PATH = path.posix.join(path.posix.dirname(INIT_PATH), 'covered-');

/**
 * What runs as process 1 of a container of Docker's: as the container engine's init, but Docker passes no descriptors on. So it is spoken to by its
 * standard input, the job's being empty, and speaks by lines among the job's own errors that bear a word which the job never sees (`readMarks`).
 * Docker gives every container a HOSTNAME, which no other engine's job has.
 *
 * Where the image has files and the job may write, other engines lay the job's disk over them. Here they are copied to it before the job begins, what the job may do with
 * them being what everybody may: elsewhere they are not its own.
 */
export const DOCKER_INIT_SCRIPT = `
set -f
trap '' INT QUIT
exec 5>&2 2>/dev/null
IFS= read -r word || exit 125
n=0
while IFS= read -r place && [ -n "$place" ]; do
  place=$(printf "%b." "$place") && place=\${place%.}
  cp -a "${COVERED_PATH}$n/." "$place/" 2>/dev/null
  find "$place" -mindepth 1 -depth ! -type l -exec chmod ug=o {} + 2>/dev/null
  n=$((n + 1))
done
echo "$word ready" >&5
IFS= read -r go || exit 125
(
  exec 0</dev/null 2>&5 5>&-
  trap - INT QUIT
  unset PWD OLDPWD SHLVL go word n place
  if [ -n "$GADUS_UNSET" ]; then unset HOSTNAME; fi
  unset GADUS_UNSET
${COMMAND_SCRIPT}
)
code=$?
echo "$word exit $code" >&5
read -r release
`;
