export { Client, type ClientInit, type SubmitOptions } from './client.ts';
export { isUnfinished } from './book/is-unfinished.ts';
export type { Progress } from './components.ts';
export { createClient, type RunningClient } from './create-client.ts';
export { ClientError, type ClientErrorCode } from './errors.ts';
export type { Exhibit } from './findings/exhibit.ts';
export type { JobRecord, ReplicaFinding } from './book/job-record.ts';
export { defaultProfilePath, gadusHome, ProfileError, readProfile, writeProfile, type Profile } from './profile.ts';
