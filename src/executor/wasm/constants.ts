/** What a guest page is called in the WebAssembly specification: 64 KiB. */
export const WASM_PAGE_BYTES = 65_536;
/** 32-bit memories end here. */
export const MAX_WASM_PAGES = 65_536;
/** Largest module taken: beyond it, compiling takes longer than a container may take to start. */
export const MAX_MODULE_BYTES = 64 * 1024 ** 2;
/** Memory of the runtime itself, on top of the job's: Node takes 45 to 60 MB before it runs anything, and compiled code comes to that. */
export const RUNTIME_MEMORY_BYTES = 256 * 1024 ** 2;
/** Threads of the runtime, which count as processes in a control group: Node starts 11, the meter's reporter and its helpers a few more. */
export const RUNTIME_TASKS = 32;
/** Distance of the runner's reports of its count, ms: half a default sample, so that a sample is at most that stale. */
export const REPORT_INTERVAL_MS = 10;
/** Metered modules kept on disk, the least recently used forgotten first. */
export const MAX_KEPT_MODULES = 64;
/** Exit code of a module that trapped: what a shell reports for SIGABRT, as other runtimes do. */
export const TRAP_EXIT_CODE = 134;
/** Where the engine's own files are in the sandbox; nothing of a job may be mounted there. */
export const GUEST_DIRECTORY = '/.wasm';
