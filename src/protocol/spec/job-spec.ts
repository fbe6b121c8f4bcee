import { z } from 'zod';
import { MAX_FILES_PER_SHARD, MAX_NETWORK_ENDPOINTS, MAX_REPLICAS, MAX_SHARDS } from '../constants.ts';
import { formatEndpoint, parseEndpoint } from './endpoint.ts';
import { ProtocolError, messageOf } from '../base/errors.ts';
import { parseBytes, parseDurationMs } from './units.ts';

const MiB = 1024 ** 2;

const bytes = (min: number) => quantity(parseBytes, 'a size such as 512MiB or 2GB', min);
const duration = (min: number) => quantity(parseDurationMs, 'a duration such as 30s or 10m', min);

function quantity(parse: (text: string | number) => number, expected: string, min: number) {
  return z.union([z.string(), z.number()]).transform((text, context) => {
    try {
      const value = parse(text);
      if (value >= min) return value;
      context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} is below ${min}` });
    } catch {
      context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} is not ${expected}` });
    }
    return z.NEVER;
  });
}

/** An absolute, normalised path inside the job: no `..`, no double slash, nothing the kernel owns. */
const jobPath = z.string().refine(
  (path) => /^\/[^\0]+$/.test(path) && !/\/(\.{1,2})?(\/|$)/.test(path) && !/^\/(proc|sys|dev)(\/|$)/.test(path),
  'must be an absolute path without "." or "..", outside /proc, /sys and /dev',
);
/** A folder name in the result, beside the files every result has. */
const outputName = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'is not a plain file name')
  .refine((name) => !/^\.+$/.test(name) && !['stdout', 'stderr', 'exitCode'].includes(name), 'is reserved');
const cid = z.string().regex(/^(Qm[1-9A-HJ-NP-Za-km-z]{44}|b[a-z2-7]{20,})$/, 'is not a CID');
const amount = z.union([z.string(), z.number().int().nonnegative()]).transform(String)
  .refine((text) => /^\d{1,27}$/.test(text) && BigInt(text) < 1n << 88n, 'must be a whole number of coin units below 2^88');

const variables = z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is not a variable name'), z.string());
const argument = z.string().max(32_768);
const inputs = z.array(z.strictObject({ source: cid, target: jobPath })).max(100);

/** How a job falls into shards: a directory input by its files, a list of what differs, or by nothing but the shard's number. */
const shards = z.discriminatedUnion('by', [
  z.strictObject({
    by: z.literal('file'), input: z.number().int().nonnegative().default(0), filesPerShard: z.number().int().min(1).max(MAX_FILES_PER_SHARD).default(1),
  }),
  z.strictObject({
    by: z.literal('list'),
    list: z.array(z.strictObject({ env: variables.optional(), args: z.array(argument).max(1000).optional(), inputs: inputs.optional() })).min(1).max(MAX_SHARDS),
  }),
  z.strictObject({ by: z.literal('count'), count: z.number().int().min(1).max(MAX_SHARDS) }),
]);
/** A place the job may reach, in its canonical spelling. */
const endpoint = z.string().max(300).transform((text, context) => {
  try {
    return formatEndpoint(parseEndpoint(text));
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) });
    return z.NEVER;
  }
});

const schema = z.strictObject({
  version: z.literal(1).default(1),
  name: z.string().max(100).optional(),
  engine: z.enum(['auto', 'microvm', 'container', 'wasm', 'noop']).default('auto'),
  /** How far a replica must be from its host, where the engine is `auto`: a virtual machine of its own, or at least a container. */
  isolation: z.enum(['container', 'vm']).optional(),
  /** The meter that all replicas of a module are counted by (`METER_VERSION`): a client says its own, and who has another does not bid. */
  meter: z.number().int().min(1).max(999_999).optional(),
  image: z.string().min(1).max(300).default('busybox'),
  command: z.array(argument).min(1).max(1000),
  env: variables.default({}),
  workdir: jobPath.default('/work'),
  inputs: inputs.default([]),
  shards: shards.optional(),
  outputs: z.array(z.strictObject({ name: outputName, path: jobPath }))
    .max(20).default([{ name: 'outputs', path: '/outputs' }]),
  resources: z.strictObject({
    cpus: z.number().min(0.01).max(1024).default(1),
    memoryBytes: bytes(4 * MiB).default(512 * MiB),
    diskBytes: bytes(MiB).default(1024 * MiB),
    processes: z.number().int().min(1).max(100_000).default(256),
    timeoutMs: duration(100).default(600_000),
    logBytes: bytes(0).default(16 * MiB),
  }).prefault({}),
  /** Whether nodes encrypt the result to the client before anybody can fetch it; they do not by default. */
  result: z.strictObject({ encrypt: z.boolean() }).optional(),
  /** Machines that replicas run on: only alike ones leave traces that can be compared closely. */
  requires: z.strictObject({
    arch: z.enum(['amd64', 'arm64']).optional(),
    class: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'is not a class such as epyc-7003').optional(),
  }).optional(),
  network: z.union([z.literal('none'), z.strictObject({ allow: z.array(endpoint).min(1).max(MAX_NETWORK_ENDPOINTS) })]).default('none'),
  verification: z.strictObject({
    replicas: z.number().int().min(1).max(MAX_REPLICAS).default(3),
    policy: z.enum(['trace', 'exact', 'none']).default('trace'),
    minScoreBps: z.number().int().min(0).max(10_000).default(0),
    /** Chance that a job of one replica is held against two more: a share of 1, or `auto`, as much as makes cheating lose, which is the default. */
    audit: z.union([z.literal('auto'), z.number().min(0).max(1)]).optional(),
    /** Whether fresh nodes decide where the opened sketches of a dispute do not; the client pays them unless it is proven right; they do by default. */
    panel: z.boolean().optional(),
  }).prefault({}),
  payment: z.strictObject({
    maxPrice: amount.default('1000000000000000000'),
    stake: amount.default('5000000000000000000'),
  }).prefault({}),
}).superRefine((spec, context) => {
  let taken = new Map<string, string>();
  const claim = (path: string, field: (string | number)[]) => {
    for (const [other, where] of taken) {
      if (path === other || path.startsWith(`${other}/`) || other.startsWith(`${path}/`)) {
        context.addIssue({ code: 'custom', path: field, message: `overlaps ${where} (${other})` });
        return;
      }
    }
    taken.set(path, field.join('.'));
  };
  spec.inputs.forEach((input, i) => claim(input.target, ['inputs', i, 'target']));
  spec.outputs.forEach((output, i) => claim(output.path, ['outputs', i, 'path']));
  if (spec.shards?.by === 'file' && spec.inputs[spec.shards.input] === undefined) {
    context.addIssue({ code: 'custom', path: ['shards', 'input'], message: `there is no input ${spec.shards.input}` });
  }
  if (spec.shards?.by === 'list') {
    const shared = new Map(taken);
    spec.shards.list.forEach((shard, n) => {
      taken = new Map(shared);
      shard.inputs?.forEach((input, i) => claim(input.target, ['shards', 'list', n, 'inputs', i, 'target']));
    });
  }
  if (new Set(spec.outputs.map((o) => o.name)).size < spec.outputs.length) {
    context.addIssue({ code: 'custom', path: ['outputs'], message: 'two outputs share a name' });
  }
  if (spec.network !== 'none' && new Set(spec.network.allow).size < spec.network.allow.length) {
    context.addIssue({ code: 'custom', path: ['network', 'allow'], message: 'names one place twice' });
  }
  if (spec.network !== 'none' && !['auto', 'microvm', 'container'].includes(spec.engine)) {
    context.addIssue({ code: 'custom', path: ['network'], message: `the ${spec.engine} engine gives jobs no network` });
  }
  if (spec.meter !== undefined && spec.engine !== 'wasm') {
    context.addIssue({ code: 'custom', path: ['meter'], message: `the ${spec.engine} engine has no meter` });
  }
  if (spec.isolation === 'vm' && spec.engine !== 'auto' && spec.engine !== 'microvm') {
    context.addIssue({ code: 'custom', path: ['isolation'], message: `the ${spec.engine} engine has no virtual machine` });
  }
  if (spec.isolation === 'container' && spec.engine === 'noop') {
    context.addIssue({ code: 'custom', path: ['isolation'], message: 'the noop engine isolates nothing' });
  }
});

/** What a person may write: units as text, defaults left out. */
export type JobSpecInput = z.input<typeof schema>;
/** What runs: every field present, sizes in bytes, times in milliseconds, amounts in the coin's smallest unit as decimal text. */
export type JobSpec = z.output<typeof schema>;
export type ShardsSpec = NonNullable<JobSpec['shards']>;
export type Policy = JobSpec['verification']['policy'];
export type Resources = JobSpec['resources'];

/**
 * Validates a job spec and fills in its defaults.
 *
 * @throws ProtocolError SPEC_INVALID, whose details name each wrong field
 * @example
 * parseJobSpec({ command: ['sha256sum', '/inputs/a'], inputs: [{ source: 'bafy…', target: '/inputs/a' }] })
 */
export function parseJobSpec(input: unknown): JobSpec {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const details = result.error.issues.map((issue) => `${issue.path.join('.') || 'spec'}: ${issue.message}`).join('; ');
  throw new ProtocolError('SPEC_INVALID', 'the job spec is not valid', {
    details,
    hint: 'gadus job validate FILE checks a spec without submitting it',
  });
}
