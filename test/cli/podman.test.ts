import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ConfFile, defaultHelperDirs, networkSettings } from '../../src/cli/podman/containers-conf.ts';
import { doorDir } from '../../src/cli/podman/programs.ts';
import { replaceableBy } from '../../src/files/ownership.ts';
import { PodmanHost } from '../podman/host.ts';
import { missing } from '../podman/missing.ts';
import { temporaryDirectory } from '../support/fresh-host.ts';
import { cli } from './netloom.ts';

let directory: { path: string; remove(): void };

beforeEach(() => {
  directory = temporaryDirectory();
  mkdirSync(at(''));
});
afterEach(() => directory.remove());

/** Every path below it with the contents of the files. */
const tree = () =>
  execFileSync('sh', ['-c', 'find . -type d; find . -type f -exec sha256sum {} +'], {
    cwd: directory.path,
    encoding: 'utf8',
  })
    .split('\n')
    .sort();

const at = (name: string) => `${directory.path}/etc/${name}`;
const dropIn = () => at('containers.conf.d/50-netloom.conf');

function write(name: string, text: string): void {
  mkdirSync(at('containers.conf.d'), { recursive: true });
  writeFileSync(at(name), text);
}

const install = (...more: string[]) => cli('podman', 'install', '--force', '--config-dir', at(''), ...more);
const uninstall = () => cli('podman', 'uninstall', '--force', '--config-dir', at(''));

describe('netloom podman install', () => {
  it("podman install puts the door before podman's other directories, and uninstall leaves no trace", async () => {
    const before = tree();
    expect(await install()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(dropIn()) });
    expect(parse(readFileSync(dropIn(), 'utf8'))).toEqual({
      network: { network_backend: 'netavark' },
      engine: { helper_binaries_dir: [doorDir, ...defaultHelperDirs] },
    });
    expect(await uninstall()).toMatchObject({ exitCode: 0, stdout: 'podman is as it was before' });
    expect(tree()).toEqual(before);
    expect((await uninstall()).stdout).toBe('podman did not use netloom: nothing changed');
  });

  it('podman install keeps the existing configuration, also when it runs twice', async () => {
    write(
      'containers.conf',
      '[engine]\nhelper_binaries_dir = ["/opt/podman"]\nenv = ["A=1", "NETLOOM_RUN_DIR=/old"]\n',
    );
    write('containers.conf.d/60-more.conf', '[containers]\nlog_driver = "none"\n');
    const before = tree();
    await install('--run-dir', '/run/lab');
    const once = readFileSync(dropIn(), 'utf8');
    expect(parse(once).engine).toEqual({
      helper_binaries_dir: [doorDir, '/opt/podman'],
      env: ['A=1', 'NETLOOM_RUN_DIR=/run/lab'],
    });
    await install('--run-dir', '/run/lab');
    expect(readFileSync(dropIn(), 'utf8')).toBe(once);
    await uninstall();
    expect(tree()).toEqual(before);
  });

  it('podman uninstall removes the directories that install made, unless they contain something else by then', async () => {
    await install();
    write('containers.conf.d/60-later.conf', '');
    await install();
    await uninstall();
    expect(tree().filter((line) => line.startsWith('.'))).toEqual(['.', './etc', './etc/containers.conf.d']);
  });

  it.each([
    ['a list that is read after it', '[engine]\nhelper_binaries_dir = ["/opt/podman"]'],
    ['another backend that is read after it', '[network]\nnetwork_backend = "cni"'],
  ])('podman install is refused, and writes nothing, with %s', async (_what, text) => {
    write('containers.conf.d/90-late.conf', text);
    const before = tree();
    const { exitCode, stderr } = await install();
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringMatching(/^netloom: podman\.refused: .*90-late\.conf is read after .*50-netloom\.conf/),
    });
    expect(tree()).toEqual(before);
  });

  it('podman install leaves a foreign file with its name unchanged', async () => {
    write('containers.conf.d/50-netloom.conf', '# mine\n');
    expect(await install()).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('was not written by netloom'),
    });
    expect((await uninstall()).stdout).toContain('nothing changed');
    expect(readFileSync(dropIn(), 'utf8')).toBe('# mine\n');
  });

  it('podman install names the file that podman cannot read either', async () => {
    write('containers.conf', '[engine\n');
    const { exitCode, stderr } = await install();
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(at('containers.conf')) });
  });
});

describe('an executable that root runs', () => {
  const program = () => at('bin/door');
  beforeEach(() => {
    mkdirSync(at('bin'), { recursive: true });
    writeFileSync(program(), '');
    // as most directories are made by root; the one above it is sticky
    chmodSync(directory.path, 0o755);
  });

  it('an executable is accepted when no other user can replace it, also in a directory like /tmp', () => {
    expect(replaceableBy(program())).toBeNull();
  });

  it.each([
    ['it is a user’s', () => chownSync(program(), 1000, 0), 'bin/door belongs to user 1000'],
    ['others may write to it', () => chmodSync(program(), 0o775), 'others may write to'],
    ['a directory above it is a user’s', () => chownSync(at(''), 1000, 0), 'etc belongs to user 1000'],
    ['others may write to one', () => chmodSync(at('bin'), 0o777), 'others may write to'],
  ])('an executable is reported as replaceable when %s', (_, change, words) => {
    change();
    expect(replaceableBy(program())).toContain(words);
  });
});

describe('the settings of podman', () => {
  const files = (...texts: string[]): ConfFile[] => texts.map((text, index) => ({ path: `${index}`, text }));

  it("podman's settings are those of the last file that sets them", () => {
    const settings = networkSettings(
      files('[network]\nnetwork_backend = "cni"', '[network]\nnetwork_backend = "netavark"', '[engine]\nenv = ["A=1"]'),
    );
    expect(settings).toEqual({
      backend: { value: 'netavark', file: '1' },
      networkConfigDir: { value: '/etc/containers/networks', file: null },
      helperDirs: { value: defaultHelperDirs, file: null },
      environment: { value: ['A=1'], file: '2' },
    });
  });

  it("podman's settings extend a list that is marked append, as podman 5 does", () => {
    const [one, two] = [
      '[engine]\nhelper_binaries_dir = ["/a"]',
      '[engine]\nhelper_binaries_dir = ["/b", {append = true}]',
    ];
    expect(networkSettings(files(one as string, two as string)).helperDirs.value).toEqual(['/a', '/b']);
  });
});

describe.skipIf(missing())('with podman', { timeout: 120_000 }, () => {
  let host: PodmanHost;
  beforeAll(async () => {
    host = await PodmanHost.open('netavark');
  }, 120_000);
  afterAll(() => host.close());

  const failing = async () => {
    const { stdout, exitCode } = await host.netloom('podman status --json');
    const { onNetloom, checks } = JSON.parse(stdout);
    const names = checks.flatMap(({ check, ok }: { check: string; ok: boolean | null }) =>
      ok === false ? [check] : [],
    );
    return { onNetloom, exitCode, names };
  };
  const statusLine = async (check: string) =>
    (await host.netloom('podman status')).stdout.split('\n').find((line) => line.slice(2).startsWith(check));

  it('podman status shows what makes the networks, and containers stay with the engine that made them', async () => {
    expect(await failing()).toMatchObject({ onNetloom: false, exitCode: 1 });
    await host.startDaemon();
    expect((await failing()).names).toEqual(['Drop-in']);
    expect(await statusLine('netavark')).toMatch(/^– netavark +\/.*netavark/);
    expect((await host.netloom('podman status')).stdout).toMatch(/^1 of \d+ checks failed; 3 were skipped\.$/m);

    await host.start('old');
    await host.start('without', '--network none');
    expect(await statusLine('Bridges')).toMatch(/^✓ Bridges +made by another engine: podman\d+$/);
    const refused = await host.netloom('podman install');
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('podman stop old first') });
    // a paused container is impossible here (no cgroups), but one that does not run and has its network is equivalent
    await host.must('stop -t 0 old');
    await host.must('init old');
    expect(await host.netloom('podman install')).toEqual(refused);
    await host.must('start old');
    expect((await host.netloom('podman install --force')).exitCode).toBe(0);
    expect(await failing()).toEqual({ onNetloom: true, exitCode: 1, names: ['Containers', 'Bridges'] });
    expect((await host.netloom('podman uninstall')).exitCode).toBe(0);
    await host.must('stop -t 0 old');

    await host.netloom('podman install');
    expect(await failing()).toEqual({ onNetloom: true, exitCode: 0, names: [] });
    await host.must('start old');
    expect((await host.netloom('podman uninstall')).stderr).toContain('podman stop old first');
    await host.stopDaemon();
    expect((await failing()).names).toEqual(['Daemon']);
    expect(await statusLine('Containers')).toMatch(/^– Containers +not tried/);
    expect(await host.netloom('podman uninstall')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/the daemon does not answer: .*podman stop old first, or --force/),
    });
    await host.startDaemon();
    await host.clear();
    expect((await host.netloom('podman uninstall')).stdout).toBe('podman is as it was before');
    expect(await host.remains()).toEqual({ links: [], namespaces: [], processes: [] });
  });
});
