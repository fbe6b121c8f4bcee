import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** Where Docker listens: what DOCKER_HOST says, the system's socket, or Docker Desktop's. */
export function dockerSocket(): string {
  const named = /^unix:\/\/(\/.*)$/.exec(process.env['DOCKER_HOST'] ?? '')?.[1];
  const places = ['/var/run/docker.sock', path.join(homedir(), '.docker/run/docker.sock')];
  return named ?? places.find((place) => existsSync(place)) ?? places[0]!;
}
