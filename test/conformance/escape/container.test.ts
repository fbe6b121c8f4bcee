import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildBusyboxImage, createContainerEngine, createImageStore } from '../../../src/executor/index.ts';
import { which } from '../../../src/executor/container/runtime.ts';
import { escapeSuite } from './escape-suite.ts';

/** `GADUS_TEST_RUNTIME=crun` tests another runtime than the preferred one. */
const runtime = process.env['GADUS_TEST_RUNTIME'];

escapeSuite('container', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'gadus-escape-container-'));
  const stateDir = path.join(directory, 'state');
  const images = createImageStore({ dir: path.join(directory, 'images') });
  const engine = createContainerEngine({ stateDir, ...(runtime === undefined ? {} : { runtime }) });
  const probe = await engine.probe();
  if (probe.ok) {
    const tar = path.join(directory, 'busybox.tar');
    await buildBusyboxImage({ out: tar });
    await images.unpack('busybox', tar);
  }
  return {
    engine,
    rootfs: probe.ok ? images.rootfs('busybox') : '',
    ...(probe.ok ? {} : { skip: probe.problems.map(({ what, remedy }) => `${what} (${remedy})`).join('; ') }),
    ownFiles: probe.ok ? [path.join(stateDir, 'init/sh'), which(probe.runtime)!, path.join(images.rootfs('busybox'), 'bin/busybox')] : [],
    close: () => rm(directory, { recursive: true, force: true }),
  };
});
