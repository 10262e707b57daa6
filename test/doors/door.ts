import { spawn } from 'node:child_process';

export const door = 'native/build/doors/netavark';

export interface DoorResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Circumstances {
  /** beside PATH */
  env?: Record<string, string>;
  /** JSON on stdin, or these bytes */
  input?: unknown;
  program?: string;
  /** kills it, as an engine's death does; what it said is unknown then */
  signal?: AbortSignal | undefined;
}

/** Runs the door as podman does: with an environment of its own, and JSON on stdin. */
export function runDoor(
  args: string[],
  { env = {}, input = null, program = door, signal }: Circumstances,
): Promise<DoorResult> {
  const child = spawn(program, args, { env: { PATH: '/usr/bin', ...env }, signal, killSignal: 'SIGKILL' });
  const result: DoorResult = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    result.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    result.stderr += chunk;
  });
  // some print their complaint before they read
  child.stdin.on('error', () => {});
  child.stdin.end(Buffer.isBuffer(input) ? input : JSON.stringify(input));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...result, code }));
  });
}
