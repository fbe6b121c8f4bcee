/** Bodies of Firecracker's API, in its own words (src/firecracker/swagger/firecracker.yaml of its repository). */

export interface TokenBucket {
  /** Tokens: bytes or operations. */
  size: number;
  /** Time in which an empty bucket fills, ms. */
  refill_time: number;
  one_time_burst?: number;
}
export interface RateLimiter { bandwidth?: TokenBucket; ops?: TokenBucket }
export interface MachineConfig { vcpu_count: number; mem_size_mib: number; smt?: boolean; track_dirty_pages?: boolean }
export interface BootSource { kernel_image_path: string; initrd_path?: string; boot_args?: string }
export interface Drive {
  drive_id: string;
  path_on_host: string;
  is_root_device: boolean;
  is_read_only: boolean;
  cache_type?: 'Unsafe' | 'Writeback';
  io_engine?: 'Sync' | 'Async';
  rate_limiter?: RateLimiter;
}
export interface Vsock { guest_cid: number; uds_path: string }
export interface Balloon { amount_mib: number; deflate_on_oom: boolean; stats_polling_interval_s?: number }
export interface Logger { log_path: string; level?: 'Error' | 'Warning' | 'Info' | 'Debug'; show_level?: boolean; show_log_origin?: boolean }
export interface Metrics { metrics_path: string }
export interface SnapshotCreate { snapshot_path: string; mem_file_path: string; snapshot_type?: 'Full' | 'Diff' }
export interface SnapshotLoad { snapshot_path: string; mem_backend: { backend_type: 'File' | 'Uffd'; backend_path: string }; resume_vm?: boolean; track_dirty_pages?: boolean }
export interface InstanceInfo { id: string; state: 'Not started' | 'Running' | 'Paused'; vmm_version: string; app_name: string }
export type Action = 'InstanceStart' | 'FlushMetrics' | 'SendCtrlAltDel';
