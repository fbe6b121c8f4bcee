import { GUEST_DIRECTORY } from './constants.ts';
import { RUNNER } from './sandbox-root.ts';

/** More than V8 takes by itself, less than the 8 MiB that Linux gives a first thread. */
const STACK_KIB = 4096;

/**
 * Process 1 of a module's sandbox: INIT_SCRIPT with its middle left to the runner, which says `ready` and waits by itself, so that
 * Node's start and the module's compilation lie before the start mark.
 */
export const WASM_INIT_SCRIPT = `
trap '' INT QUIT
exec 5>&2 2>/dev/null
(
  exec 2>&5 4>&- 5>&-
  trap - INT QUIT
  exec ${GUEST_DIRECTORY}/node --no-warnings --stack-size=${STACK_KIB} ${RUNNER}
)
code=$?
echo "$code" >&4
echo "exit $code" >&3
read -r release <&3
`;
