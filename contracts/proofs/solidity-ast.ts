import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** A node of solc's syntax tree: `src` is "start:length:file" in bytes. */
export interface AstNode { nodeType: string; src: string; [field: string]: unknown }

/** What solc's standard JSON interface answers, as far as it is read here. */
export interface SolcOutput {
  errors?: { severity: string; errorCode: string; message: string; formattedMessage: string }[];
  sources?: Record<string, { ast: AstNode }>;
  contracts?: Record<string, Record<string, { abi: unknown[]; evm: { bytecode: { object: string }; deployedBytecode: { object: string } } }>>;
}

interface Solc { compile(input: string, callbacks?: { smtSolver?: (query: string) => unknown }): string }

/** The repository. */
export const ROOT = join(import.meta.dirname, '../..');

/** npm's solc, loaded when it is needed: that takes half a second. */
export function solc(): Solc {
  return createRequire(import.meta.url)('solc') as Solc;
}

/** A file and all it imports, by path from the repository's root; OpenZeppelin under node_modules. */
export function sourcesOf(paths: readonly string[], root = ROOT): Record<string, { content: string }> {
  const sources: Record<string, { content: string }> = {};
  const collect = (path: string): void => {
    if (sources[path] !== undefined) return;
    const content = readFileSync(join(root, path), 'utf8');
    sources[path] = { content };
    for (const [, target] of content.matchAll(/^import\s[^;]*?"([^"]+)";/gm)) {
      collect(target!.startsWith('.') ? join(dirname(path), target!) : target!.replace('@openzeppelin/', 'node_modules/@openzeppelin/'));
    }
  };
  for (const path of paths) collect(path);
  return sources;
}

/** Runs the compiler. @throws Error with its messages, if any of them is an error */
export function compile(sources: Record<string, { content: string }>, settings: object): SolcOutput {
  const input = { language: 'Solidity', sources, settings: { remappings: ['@openzeppelin/=node_modules/@openzeppelin/'], evmVersion: 'cancun', ...settings } };
  const output = JSON.parse(solc().compile(JSON.stringify(input))) as SolcOutput;
  const errors = (output.errors ?? []).filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join('\n'));
  return output;
}

/** The syntax trees of files and of all they import, without generating code: half a second. */
export function astOf(sources: Record<string, { content: string }>): Record<string, AstNode> {
  const output = compile(sources, { outputSelection: { '*': { '': ['ast'] } } });
  return Object.fromEntries(Object.entries(output.sources!).map(([path, { ast }]) => [path, ast]));
}

/** A node's text in its file, its direct children rendered by `by`. */
export function rewrite(text: Buffer, node: AstNode, by: (child: AstNode) => string): string {
  const { start, end } = rangeOf(node);
  const children = childrenOf(node).filter((child) => rangeOf(child).start >= start && rangeOf(child).end <= end).sort((a, b) => rangeOf(a).start - rangeOf(b).start);
  let out = '';
  let at = start;
  for (const child of children) {
    const range = rangeOf(child);
    if (range.start < at) continue; // the same place twice: the type of a second variable, documentation
    out += text.subarray(at, range.start).toString() + by(child);
    at = range.end;
  }
  return out + text.subarray(at, end).toString();
}

/** The direct children of a node, in no particular order. */
export function childrenOf(node: AstNode): AstNode[] {
  return Object.values(node).flatMap((value): AstNode[] => {
    if (Array.isArray(value)) return value.filter(isNode);
    return isNode(value) ? [value] : [];
  });
}

/** Whether it is a node and not a type description or a string. */
export function isNode(value: unknown): value is AstNode {
  return typeof value === 'object' && value !== null && 'nodeType' in value && 'src' in value;
}

/** Where a node stands in its file: first byte, and the one after the last. */
export function rangeOf({ src }: AstNode): { start: number; end: number } {
  const [start, length] = src.split(':').map(Number) as [number, number];
  return { start, end: start + length };
}
