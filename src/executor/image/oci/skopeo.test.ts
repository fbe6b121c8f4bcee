import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isError } from '../../../protocol/index.ts';
import { which } from '../../container/runtime.ts';
import { ExecutorError } from '../../errors.ts';
import { parseSource } from './image-source.ts';
import { skopeo, skopeoFailure, skopeoVersion } from './skopeo.ts';

const source = parseSource('registry.example/tool:1');
const fatal = (words: string) => `time="2026-01-01T00:00:00Z" level=warning msg="Failed, retrying in 1s ... (1/2). Error: denied"\ntime="2026-01-01T00:00:01Z" level=fatal msg="${words}"`;

for (const [words, code, hint] of [
  ['initializing source docker://registry.example/tool:1: reading manifest 1 in registry.example/tool: manifest unknown: manifest unknown', 'IMAGE_MISSING', /^skopeo list-tags docker:\/\/registry\.example\/tool shows/],
  ['reading blob sha256:00: Error fetching blob: invalid status code from registry 404 (Not Found)', 'IMAGE_MISSING', /list-tags/],
  ['Error parsing image name \\"docker://registry.example/tool:1\\": reading manifest 1 in registry.example/tool: unauthorized: authentication required', 'REGISTRY_DENIED', /skopeo login registry\.example/],
  ['initializing source docker://registry.example/tool:1: reading manifest 1 in registry.example/tool: errors: denied: requested access to the resource is denied', 'REGISTRY_DENIED', /skopeo login/],
  ['initializing source: reading manifest 1: toomanyrequests: You have reached your pull rate limit', 'REGISTRY_FAILED', /log in/],
  ['writing blob: happened during read: Digest did not match, expected sha256:00, got sha256:11', 'IMAGE_INVALID', undefined],
  ['writing blob: write /tmp/x/dir-put-blob1: no space left on device', 'NO_SPACE', /TMPDIR/],
  ['pinging container registry registry.example: Get \\"https://registry.example/v2/\\": dial tcp: lookup registry.example: no such host', 'REGISTRY_FAILED', /can be reached/],
  ['pinging container registry registry.example: Get \\"https://registry.example/v2/\\": x509: certificate signed by unknown authority', 'REGISTRY_FAILED', /containers-certs/],
  ['pinging container registry registry.example: Get \\"https://registry.example/v2/\\": http: server gave HTTP response to HTTPS client', 'REGISTRY_FAILED', /containers-registries/],
  ['Source image rejected: Running image docker://registry.example/tool:1 is rejected by policy.', 'REGISTRY_DENIED', /policy/],
  ['loading image from docker engine: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?', 'REGISTRY_FAILED', /docker info/],
  ['loading image from docker engine: Error response from daemon: reference does not exist', 'IMAGE_MISSING', /list-tags/],
  ['open /tmp/x: permission denied', 'REGISTRY_FAILED', undefined],
  ['words of another version', 'REGISTRY_FAILED', undefined],
] as const) {
  test(`knows what is meant by: ${words.slice(-60)}`, () => {
    const error = skopeoFailure(new ExecutorError('TOOL_FAILED', 'skopeo failed', { details: fatal(words) }), source);
    assert.equal(error.code, code);
    assert.equal(error.details, words.replaceAll('\\"', '"'));
    if (hint === undefined) assert.equal(error.hint, undefined);
    else assert.match(error.hint ?? '', hint);
  });
}

test('says how to get skopeo where there is none', { skip: which('skopeo') === undefined ? false : 'it is installed' }, async () => {
  const missing = (error: unknown) => isError(error, 'TOOL_MISSING') && /apt-get install skopeo/.test(error.hint ?? '');
  await assert.rejects(skopeo(['inspect', '--raw', source.name], source, { timeoutMs: 10_000 }), missing);
  await assert.rejects(skopeoVersion(), missing);
});

test('names what lists the images of another program\'s store', () => {
  const error = new ExecutorError('TOOL_FAILED', 'skopeo failed', { details: fatal('reference "x" does not resolve to an image ID: identifier is not an image') });
  for (const [name, listing] of [['containers-storage:tool', /^podman images/], ['docker-daemon:tool:1', /^docker images/]] as const) {
    const { code, hint } = skopeoFailure(error, parseSource(name));
    assert.equal(code, 'IMAGE_MISSING');
    assert.match(hint!, listing);
  }
});
