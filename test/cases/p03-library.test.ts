import { execFileSync, spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/fresh-host.ts';

/** The package as another project installs it: from the tarball, its dependencies beside it, without a network. */

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string;
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
};

const modules = realpathSync('node_modules');

let directory: ReturnType<typeof temporaryDirectory>;
let project: string;
let packed: string[];
const installed = (path: string) => join(project, 'node_modules/netloom', path);

beforeAll(() => {
  directory = temporaryDirectory();
  project = join(directory.path, 'project');
  // the build is of this tree: the tests have made it
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', directory.path];
  const answer: unknown = JSON.parse(
    execFileSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  // npm 11 answers an object by package
  const [{ filename, files }] = Object.values(answer as object) as [{ filename: string; files: { path: string }[] }];
  packed = files.map(({ path }) => path);

  mkdirSync(installed(''), { recursive: true });
  execFileSync('tar', ['xzf', join(directory.path, filename), '--strip-components=1', '-C', installed('')]);
  for (const name of Object.keys(manifest.dependencies)) {
    mkdirSync(dirname(join(project, 'node_modules', name)), { recursive: true });
    symlinkSync(join(modules, name), join(project, 'node_modules', name));
  }
  mkdirSync(join(project, 'node_modules/.bin'));
  symlinkSync('../netloom/dist/src/cli/main.js', join(project, 'node_modules/.bin/netloom'));
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', type: 'module' }));
}, 120_000);
afterAll(() => directory.remove());

/** Runs a module of that project. */
function run(program: string) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: project,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, NETLOOM_RUN_DIR: '/nowhere' },
  });
  return { status, stdout: stdout.trim(), stderr };
}

describe('the package', () => {
  it('P03 the package is built before it is packed', () => {
    expect(manifest.scripts.prepack).toBe('npm run build');
  });

  it('P03 the package contains the program, its sources and its documents', () => {
    expect(packed).toEqual(
      expect.arrayContaining([
        'dist/src/cli/main.js',
        'dist/src/index.js',
        'dist/src/index.d.ts',
        'dist/src/client.js',
        'native/build/netloom.node',
        'native/build/netloom-within',
        'native/build/doors/netavark',
        'native/CMakeLists.txt',
        'native/src/binding.cc',
        'native/doors/netavark/main.cc',
        'native/within/main.cc',
        'native/nft/base.nft',
        'docs/library.md',
        'examples/engine.mjs',
        'README.md',
        'CHANGELOG.md',
        'LICENSE',
      ]),
    );
  });

  it('P03 the package has no tests, benchmarks or objects, and nothing that only the build needs', () => {
    const tops = new Set(packed.map((path) => path.split('/').slice(0, 2).join('/')));
    expect([...tops].filter((top) => /^(dist|native|src|test|bench|scripts|machines)/.test(top)).sort()).toEqual(
      [
        'dist/machines',
        'dist/src',
        'native/CMakeLists.txt',
        'native/build',
        'native/doors',
        'native/index.d.ts',
        'native/index.js',
        'native/nft',
        'native/src',
        'native/within',
      ].sort(),
    );
    expect(packed.filter((path) => /\.(o|a|map|tsbuildinfo|test\.js)$|CMake(Cache|Files)|Makefile/.test(path))).toEqual(
      [],
    );
    expect(
      packed
        .filter((path) => path.startsWith('native/build/'))
        .every((path) => /\.node$|netloom-within$|doors\//.test(path)),
    ).toBe(true);
  });

  it('P03 the package has every module that its modules import, and depends on every package that they import', () => {
    const modules = packed.filter((path) => /^dist\/.*\.js$/.test(path));
    expect(modules.length).toBeGreaterThan(100);
    const missing = modules.flatMap((path) =>
      [...readFileSync(installed(path), 'utf8').matchAll(/(?:from|import\(|import) ?'([^']+)'/g)]
        .map(([, name]) => name as string)
        .filter((name) => !isThere(path, name))
        .map((name) => `${path}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  const isThere = (from: string, name: string): boolean => {
    if (name.startsWith('.')) return packed.includes(join(dirname(from), name));
    if (name.startsWith('node:') || name.startsWith('#')) return true;
    const [scope = '', rest = ''] = name.split('/');
    return (scope.startsWith('@') ? `${scope}/${rest}` : scope) in manifest.dependencies;
  };
});

describe('the installed package', () => {
  it('P03 the installed package has the command', () => {
    const command = join(project, 'node_modules/.bin/netloom');
    expect(readlinkSync(command)).toContain('netloom/dist/src/cli/main.js');
    // npm makes it executable where the archive does not
    accessSync(command, constants.R_OK);
    chmodSync(installed('dist/src/cli/main.js'), 0o755);
    const env = { PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
    expect(execFileSync(command, ['--version'], { cwd: '/', encoding: 'utf8', env }).trim()).toBe(manifest.version);
    const help = execFileSync(command, ['daemon', '--help'], { cwd: '/', encoding: 'utf8', env });
    expect(help).toContain('--run-dir');
  });

  it.each(['netloom', 'netloom/client'])('P03 the installed package can be imported as %s and used', (name) => {
    const { status, stdout, stderr } = run(`
      import { connect, NetloomClient, NetloomError } from '${name}';
      const error = await connect().catch((error) => error);
      console.log(error instanceof NetloomError, error.code, error.message, typeof NetloomClient);
    `);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe(
      'true bus.unreachable no daemon is running here (there are no credentials in /nowhere/credentials/admin.json); start it: netloom daemon, or give a NATS URL function',
    );
  });

  it('P03 the installed package brings the addon, and the doors that podman calls', () => {
    const { status, stdout } = run(`
      const native = await import('${installed('native/index.js')}');
      console.log(typeof native.createNetns);
    `);
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'function' });
    expect(readdirSync(installed('native/build/doors'))).toContain('aardvark-dns');
    accessSync(installed('native/build/doors/netavark'), constants.X_OK);
  });

  it('P03 the installed package explains what to do where its addon does not load, and still works as a client', () => {
    const addon = readFileSync(installed('native/build/netloom.node'));
    try {
      writeFileSync(installed('native/build/netloom.node'), 'of another machine');
      const broken = run(`await import('${installed('native/index.js')}')`);
      expect(broken.status).toBe(1);
      expect(broken.stderr).toMatch(
        /netloom's native addon does not load on this machine \(.+\): build it with `npm run build:native` in \/.+netloom\/, which needs cmake/,
      );
      rmSync(installed('native/build/netloom.node'));
      expect(run(`await import('${installed('native/index.js')}')`).stderr).toContain('build it with');
      expect(run(`import { connect } from 'netloom'; console.log(typeof connect)`).stdout).toBe('function');
    } finally {
      writeFileSync(installed('native/build/netloom.node'), addon);
    }
  });

  it('P03 the installed package has types for requests, replies, events and errors', () => {
    const program = `
      import { connect, isOmitted, NetloomError } from 'netloom';
      import type { ClientOptions, ContainerView, FaultCode, NodeInfo, RequestOf, ResponseOf, StreamedEvent } from 'netloom';
      import { connect as fromClient } from 'netloom/client';
      const options: ClientOptions = { creds: '/a', timeoutMs: 1 };
      const client = await connect(options);
      const request: RequestOf<'container.setup'> = { id: 'a', networks: [{ network: 'web' }] };
      const answer: ResponseOf<'container.setup'> = await client.container.setup(request);
      const views: ContainerView[] = (await client.container.list()).containers;
      const info: NodeInfo = await client.info();
      const code: FaultCode = new NetloomError({ code: 'bus.open', message: '' }).code;
      for await (const event of client.events()) { const one: StreamedEvent = event; one.type.at(0);
        if (isOmitted(event)) event.data.omitted.at(0);
        else if (event.type === 'dev.netloom.container.exited') event.data.pid.toFixed();
      }
      // @ts-expect-error an id is text
      const wrong: RequestOf<'container.setup'> = { id: 5 };
      console.log(answer.netns.path, views, info, code, wrong, fromClient);
    `;
    writeFileSync(join(project, 'program.ts'), program);
    symlinkSync(join(modules, '@types'), join(project, 'node_modules/@types'));
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
    const { status, stdout } = spawnSync(
      process.execPath,
      [join(modules, 'typescript/bin/tsc'), ...flags, '--skipLibCheck', 'program.ts'],
      { cwd: project, encoding: 'utf8' },
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  }, 60_000);
});
