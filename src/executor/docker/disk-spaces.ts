import { ExecutorError } from '../errors.ts';
import type { DiskSpace } from '../container/scratch.ts';
import type { DockerContainer } from './docker-container.ts';

/** Room on a container's file systems, asked for inside. @throws ExecutorError DOCKER_FAILED */
export async function diskSpaces(container: DockerContainer, places: readonly string[]): Promise<DiskSpace[]> {
  let text = '';
  await container.helper('for place; do stat -f -c "%b %f %a %S %c %d" "$place"; done', [...places], (chunk) => { text = (text + chunk.toString('latin1')).slice(0, 10_000); });
  const lines = text.trim().split('\n').map((line) => line.split(' ').map(Number));
  if (lines.length !== places.length || lines.some((line) => line.length !== 6 || !line.every(Number.isFinite))) {
    throw new ExecutorError('DOCKER_FAILED', 'the container\'s disk cannot be looked at', { details: text.slice(0, 200) });
  }
  return lines.map(([blocks = 0, free = 0, available = 0, size = 0, files = 0, freeFiles = 0]) => ({ used: (blocks - free) * size, free: available * size, noInodes: files > 0 && freeFiles === 0 }));
}
