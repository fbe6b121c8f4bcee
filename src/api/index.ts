export { callApi, type ApiTarget } from './call-api.ts';
export { ApiError, type ApiErrorCode } from './errors.ts';
export { serveApi, type ServedApi } from './serve-api.ts';
