import path from 'node:path';
import type { JobSpec } from '../../protocol/index.ts';
import { jobLimits, startLimits } from '../cgroup/limits.ts';
import { CPU_PERIOD_US, INIT_PATH, JOB_GID, JOB_UID, MAX_TMP_BYTES, SOFT_OPEN_FILES } from '../constants.ts';
import { jobEnvironment } from '../container/bundle.ts';
import type { MountPlan } from '../container/mount-plan.ts';
import { seccompProfile } from '../container/seccomp.ts';
import { HARD_OPEN_FILES_ASKED, MIN_MEMORY_BYTES } from './constants.ts';
import { COVERED_PATH, DOCKER_INIT_SCRIPT } from './init-script.ts';

/** What a job may use, as Docker has it. The job's disk is memory, so it is on top of the job's own, and so is what it has of the image's files. */
export function dockerLimits({ resources }: Pick<JobSpec, 'resources'>, { atStart, copiedBytes = 0 }: { atStart: boolean; copiedBytes?: number }): Record<string, number> {
  const limits = jobLimits(resources);
  const { cpus, memoryBytes, processes } = atStart ? startLimits(limits) : limits;
  const bytes = Math.max(MIN_MEMORY_BYTES, memoryBytes + resources.diskBytes + copiedBytes);
  return { Memory: bytes, MemorySwap: bytes, PidsLimit: processes, CpuPeriod: CPU_PERIOD_US, CpuQuota: Math.max(1000, Math.round(cpus * CPU_PERIOD_US)) };
}

/** Where the job's disk lies over files of its image, in the order in which the init is told. */
export function coveredPlaces({ writable }: MountPlan): { target: string; lower: string }[] {
  return writable.flatMap(({ target, lower }) => (lower === undefined ? [] : [{ target, lower }]));
}

/** The body of `POST /containers/create` for a job: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container */
export function containerSpec({ spec, plan, copiedBytes, image, initBinary, labels }: { spec: JobSpec; plan: MountPlan; copiedBytes: number; image: string; initBinary: string; labels: Record<string, string> }): Record<string, unknown> {
  const tmpBytes = Math.min(MAX_TMP_BYTES, Math.floor(spec.resources.memoryBytes / 2));
  const covered = coveredPlaces(plan);
  const env = { ...jobEnvironment(spec), ...('HOSTNAME' in spec.env ? {} : { GADUS_UNSET: 'HOSTNAME' }) };
  return {
    Image: image, Labels: labels, Hostname: 'gadus', User: `${JOB_UID}:${JOB_GID}`, WorkingDir: plan.workdir,
    Entrypoint: [INIT_PATH, '-c', DOCKER_INIT_SCRIPT, 'gadus'], Cmd: spec.command,
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    Tty: false, OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true, NetworkDisabled: true,
    HostConfig: {
      ...dockerLimits({ resources: spec.resources }, { atStart: true, copiedBytes }),
      NetworkMode: 'none', IpcMode: 'private', CgroupnsMode: 'private', ReadonlyRootfs: true, Init: false, AutoRemove: false, Privileged: false,
      CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges:true', `seccomp=${JSON.stringify(seccompProfile())}`],
      LogConfig: { Type: 'none' }, RestartPolicy: { Name: 'no' }, ShmSize: tmpBytes, OomScoreAdj: 500,
      Ulimits: [{ Name: 'nofile', Soft: SOFT_OPEN_FILES, Hard: HARD_OPEN_FILES_ASKED }, { Name: 'core', Soft: 0, Hard: 0 }],
      Tmpfs: {
        '/tmp': `rw,nosuid,nodev,exec,mode=1777,size=${tmpBytes}`,
        ...Object.fromEntries(plan.writable.map(({ target }) => [target, `rw,nosuid,nodev,exec,mode=0755,uid=${JOB_UID},gid=${JOB_GID},size=${spec.resources.diskBytes + copiedBytes}`])),
      },
      Mounts: [{ source: initBinary, target: INIT_PATH }, ...covered.map(({ lower }, i) => ({ source: lower, target: `${COVERED_PATH}${i}` })), ...plan.inputs].map(({ source, target }) => ({
        Type: 'bind', Source: path.resolve(source), Target: target, ReadOnly: true, BindOptions: { Propagation: 'rprivate' },
      })),
    },
  };
}
