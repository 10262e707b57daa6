import { readFileSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { execa, type ResultPromise } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchProgram } from '../cli/netloom.ts';
import { untilAnswered } from '../support/daemon.ts';
import { Lab } from '../support/lab.ts';
import { Lines } from '../support/lines.ts';

// The commands that a newcomer pastes from the README, in order, with the real daemon.

const root = new URL('../../', import.meta.url);
const readme = readFileSync(new URL('README.md', root), 'utf8');

/** The blocks of a section, unchanged. */
function blocks(heading: string, language: string): string[] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, text]) => text as string,
  );
}

const [install = '', daemon = '', server = '', look = ''] = blocks('Try it', 'sh');
const [subscriber = '', engine = ''] = blocks('Three ways to use it', 'js');
const [debugging = ''] = blocks('Three ways to use it', 'sh');

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
  symlinkSync(new URL('dist/src/cli/main.js', root), `${lab.directory.path}/netloom`);
});
afterAll(() => lab.close());

/** As in a terminal: the pasted text is a process group, which receives Ctrl+C. Ends at the first command that fails. */
function paste(text: string): ResultPromise {
  const { path } = lab.directory;
  const env = {
    PATH: `${path}:${dirname(process.execPath)}:${process.env.PATH}`,
    NETLOOM_RUN_DIR: lab.daemon.runDirectory,
    NETLOOM_STATE_DIR: `${path}/state`,
  };
  return execa('sh', ['-ec', text], { cwd: root, env, extendEnv: false, detached: true, reject: false });
}

const done = async (text: string): Promise<string> => {
  const { exitCode, stdout, stderr } = await paste(text);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.not.stringContaining('netloom:') });
  return String(stdout);
};

describe('the README', () => {
  it('P05 the README installs what the tests run on, and starts the daemon by its name alone', () => {
    expect(install.replaceAll(/ +#.*/g, '').trim().split('\n')).toEqual([
      'node scripts/prepare.mjs',
      'npm link',
      'netloom doctor',
    ]);
    expect(daemon).toBe('netloom daemon\n');
  });

  it('P05 the README has commands that work as pasted, in order, and leave nothing behind', async () => {
    const running = paste(server);
    await lab.facts.event('container/hello running');
    await untilAnswered(() => fetch('http://127.0.0.1:8080'));
    const seen = await done(look);
    expect(seen).toMatch(/^hello$/m);
    expect(seen).toMatch(/\bhello .*\brunning\b/);
    expect(seen).toMatch(/container\/hello +running/);

    const found = await done(debugging);
    expect(found).toMatch(/container\/hello +configured/);
    expect(found).toMatch(/^State +running/m);
    expect(found).toContain('outside');
    expect(found).toMatch(/^To take it down$/m);

    process.kill(-(running.pid as number), 'SIGINT');
    await running;
    await lab.facts.event('container/hello removed');
    expect(readme).toContain('`netloom network rm web`');
    await done('netloom network rm web');
  });

  it('P05 the README has a subscriber that runs as pasted, with the credentials of a viewer', async () => {
    const path = '/run/netloom/credentials/viewer.json';
    expect(subscriber).toContain(`'${path}'`);
    const running = launchProgram(
      lab.daemon,
      subscriber.replace(path, `${lab.daemon.runDirectory}/credentials/viewer.json`),
    );
    const lines = new Lines(running);
    await lines.until(/dev\.netloom\.network\.removed web /);
    expect(lines.seen.join('\n')).toMatch(/^20\S+Z dev\.netloom\.network\.created web \{/m);
    running.kill('SIGTERM');
    await running;
  });

  it('P05 the README has an engine that runs as pasted, twice', async () => {
    for (const _time of ['first', 'second']) {
      const { exitCode, stdout, stderr } = await launchProgram(lab.daemon, engine);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toMatch(/^\{"interfaces":\{"eth0":/);
      expect(stdout).toMatch(/^default via /m);
    }
  });
});
