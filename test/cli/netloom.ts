import { execa, type ResultPromise } from 'execa';
import { runCli } from '../../src/cli/program.ts';
import type { TestDaemon } from '../support/daemon.ts';

const main = new URL('../../dist/src/cli/main.js', import.meta.url).pathname;

export interface CliResult {
  stdout: string;
  stderr: string;
  exitCode: number | undefined;
}

/** Runs the command line in this process, without a terminal. */
export async function cli(...args: string[]): Promise<CliResult> {
  const lines = { out: [] as string[], err: [] as string[] };
  const exitCode = await runCli(args, {
    print: (text) => void lines.out.push(text),
    warn: (text) => void lines.err.push(text),
    colored: false,
  });
  return { stdout: lines.out.join('\n'), stderr: lines.err.join('\n'), exitCode };
}

/** Runs it as a process of its own, on the run directory of a daemon. */
export function netloom(daemon: Pick<TestDaemon, 'directory' | 'runDirectory'>, args: string[], input = '') {
  return execa(process.execPath, [main, ...args], {
    input,
    reject: false,
    env: environment(daemon),
    extendEnv: false,
  });
}

/** Runs it as a process of its own on a host with other files: `script` makes them, in a mount namespace that ends with it. */
export function netloomOnHost(daemon: Pick<TestDaemon, 'directory' | 'runDirectory'>, script: string, args: string[]) {
  const line = ['--mount', '--propagation', 'slave', 'sh', '-ec', `${script}\n"$@"`, 'sh'];
  return execa('unshare', [...line, process.execPath, main, ...args], {
    reject: false,
    env: environment(daemon),
    extendEnv: false,
  });
}

/** Starts a process that continues by itself: read its stdout, send it signals. */
export function launch(daemon: Pick<TestDaemon, 'directory' | 'runDirectory'>, args: string[]): ResultPromise {
  return execa(process.execPath, [main, ...args], { reject: false, env: environment(daemon), extendEnv: false });
}

/** Runs a module that may import `netloom/client`, like a package that depends on netloom. */
export function launchProgram(daemon: Pick<TestDaemon, 'directory' | 'runDirectory'>, program: string): ResultPromise {
  const options = { reject: false, env: environment(daemon), extendEnv: false, cwd: new URL('../..', import.meta.url) };
  return execa(process.execPath, ['--input-type=module', '--eval', program], options);
}

function environment({ directory, runDirectory }: Pick<TestDaemon, 'directory' | 'runDirectory'>) {
  return { PATH: process.env.PATH, NETLOOM_RUN_DIR: runDirectory, NETLOOM_STATE_DIR: `${directory}/state` };
}
