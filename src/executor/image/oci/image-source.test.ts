import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isError } from '../../../protocol/index.ts';
import { parseSource } from './image-source.ts';
import { parseReference } from './parse-reference.ts';

const digest = `sha256:${'a'.repeat(64)}`;

test('reads references', () => {
  for (const [text, registry, repository, reference] of [
    ['debian', 'docker.io', 'library/debian', 'latest'],
    ['debian:12-slim', 'docker.io', 'library/debian', '12-slim'],
    ['team/tool', 'docker.io', 'team/tool', 'latest'],
    ['localhost/tool:1', 'localhost', 'tool', '1'],
    ['registry.example:5000/a/b/c:1.0', 'registry.example:5000', 'a/b/c', '1.0'],
    [`registry.example/tool:1@${digest}`, 'registry.example', 'tool', digest],
  ] as const) {
    assert.deepEqual(parseReference(text), { registry, repository, reference });
  }
  for (const text of ['', 'UPPER', 'a//b:', 'a b', '../x', 'x:', 'x@sha256:1', 'http://x/y', 'x/../y', 'a'.repeat(301)]) {
    for (const one of [text, `docker://${text}`]) assert.throws(() => parseSource(one), (error) => isError(error, 'REQUEST_INVALID'), one);
  }
});

test('names sources as skopeo does', () => {
  assert.deepEqual(parseSource('debian:12'), { name: 'docker://docker.io/library/debian:12', repository: 'docker://docker.io/library/debian', registry: 'docker.io' });
  assert.deepEqual(parseSource(`docker://localhost:5000/tool:1@${digest}`), {
    name: `docker://localhost:5000/tool@${digest}`, repository: 'docker://localhost:5000/tool', registry: 'localhost:5000', digest, plainHttp: true,
  });
  assert.deepEqual(parseSource('containers-storage:localhost/tool'), { name: 'containers-storage:localhost/tool' });
  for (const [text, name] of [['tool:1', 'tool:1'], ['tool', 'tool:latest'], ['localhost:5000/tool', 'localhost:5000/tool:latest'], [`tool@${digest}`, `tool@${digest}`]]) {
    const source = parseSource(`docker-daemon:${text}`);
    assert.equal(source.name, `docker-daemon:${name}`);
    assert.match(source.daemonHost!, /^unix:\/\//);
  }
  for (const name of ['docker-daemon:', 'oci:/etc', 'dir:/', '--help', 'docker://--help']) assert.throws(() => parseSource(name), (error) => isError(error, 'REQUEST_INVALID'), name);
});
