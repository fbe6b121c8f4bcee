/** What the runner uses of https://webassembly.github.io/spec/js-api/, which no library of this project's TypeScript settings declares. */
declare namespace WebAssembly {
  type Imports = Record<string, Record<string, unknown>>;
  class Module {
    static customSections(module: Module, name: string): ArrayBuffer[];
    private readonly brand: symbol;
  }
  class Instance {
    constructor(module: Module, imports: Imports);
    readonly exports: Record<string, unknown>;
  }
  class Memory {
    constructor(init: { initial: number; maximum: number; shared: true });
    constructor(init: { initial: number; maximum: number });
    readonly buffer: SharedArrayBuffer;
    grow(pages: number): number;
  }
  function compile(bytes: Uint8Array): Promise<Module>;
}
