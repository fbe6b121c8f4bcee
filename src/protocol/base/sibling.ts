/**
 * A program beside a module, of the kind that the module is: TypeScript in a checkout, JavaScript in what is published.
 *
 * @param of the module's `import.meta.url`
 *
 * @example
 * new Worker(sibling('sampler-worker', import.meta.url))
 */
export function sibling(name: string, of: string): URL {
  return new URL(`./${name}${of.endsWith('.ts') ? '.ts' : '.js'}`, of);
}
