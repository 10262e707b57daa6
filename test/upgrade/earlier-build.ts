import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';

const root = new URL('../../', import.meta.url).pathname;
const builds = `${root}node_modules/.cache/netloom-builds`;

/**
 * Builds the code of a commit, unless that was done before, with the packages of this checkout. Takes a minute. Returns the path of its
 * command line.
 */
export function earlierBuild(commit: string): string {
  const place = `${builds}/${commit}`;
  if (!existsSync(place)) {
    const unfinished = `${place}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    const archive = execFileSync('git', ['-C', root, 'archive', commit], { maxBuffer: 2 ** 28 });
    execFileSync('tar', ['-x', '-C', unfinished], { input: archive });
    symlinkSync(`${root}node_modules`, `${unfinished}/node_modules`);
    execFileSync('npm', ['run', '--silent', 'build'], { cwd: unfinished, stdio: ['ignore', 'ignore', 'inherit'] });
    renameSync(unfinished, place);
  }
  return `${place}/dist/src/cli/main.js`;
}
