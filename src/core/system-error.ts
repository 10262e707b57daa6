/** Texts for the system's error codes. */
const texts: Readonly<Record<string, string>> = {
  E2BIG: 'too many arguments, or arguments too long',
  EACCES: 'permission denied',
  EADDRINUSE: 'address already in use',
  EAI_AGAIN: 'the name cannot be resolved now',
  EBUSY: 'busy',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection closed by the other end',
  EEXIST: 'already exists',
  EHOSTUNREACH: 'no route to that host',
  EIO: 'input/output error',
  EISDIR: 'is a directory',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  ENETUNREACH: 'no route to that network',
  ENOENT: 'no such file or directory',
  ENOEXEC: 'not an executable of this machine',
  ENOMEM: 'no memory left',
  ENOSPC: 'no space left',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'not empty',
  ENOTFOUND: 'no such host name',
  EPERM: 'not permitted',
  EPIPE: 'connection closed by the other end',
  EROFS: 'read-only file system',
  ETIMEDOUT: 'no answer in time',
  ETXTBSY: 'the file is being written',
};

/** Node's own error for a system call. */
interface NodeSystemError {
  code?: unknown;
  path?: unknown;
  message: string;
}

/** Formats an error: `/etc/passwd: not a directory`; an error without a system code gives its message. */
export function systemErrorText({ code, path, message }: NodeSystemError): string {
  const text = typeof code === 'string' ? texts[code] : undefined;
  if (text === undefined) return message;
  return typeof path === 'string' ? `${path}: ${text}` : text;
}

/** Checks whether it is an error of a system call. */
export const isSystemError = (error: unknown): error is NodeSystemError & { code: string } =>
  error instanceof Error && typeof (error as NodeSystemError).code === 'string' && 'syscall' in error;
