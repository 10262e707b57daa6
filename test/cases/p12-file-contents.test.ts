import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandNames, verbs } from '../../src/contract/commands.ts';
import { parsePayload } from '../../src/contract/payload.ts';
import { faultOf } from '../../src/core/fault.ts';
import { fileOf } from '../../src/core/network/file.ts';
import { DefinitionStore } from '../../src/networks/definition-store.ts';
import { cli } from '../cli/netloom.ts';
import { definitionOf } from '../core/samples.ts';
import { natsAccount } from '../support/nats-jwt.ts';

/** Unexpected contents of files and payloads: each is refused in one sentence, with its place. */

const directory = mkdtempSync(`${tmpdir()}/netloom-p12-files-`);
const at = (name: string) => join(directory, name);
beforeAll(() => {
  process.env.NETLOOM_RUN_DIR = directory;
  for (const name of ['NATS_URL', 'NETLOOM_CREDS', 'NETLOOM_NODE']) delete process.env[name];
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Terms of a library: of V8, zod, smol-toml, nkeys, and names of errors. */
const raw =
  /[\n\r]|Invalid input|Invalid TOML|Unexpected (token|end)|JSON at position|expected \w+, received|invalid_type|undefined|\[object|NaN|checksum|nkey|(Type|Range|Syntax)Error|\bE[A-Z]{4,}\b/;

async function expectRefusal(call: string[], exitCode: number, words: RegExp): Promise<void> {
  const result = await cli(...call);
  expect(result).toMatchObject({ exitCode, stdout: '', stderr: expect.stringMatching(words) });
  expect(result.stderr).toMatch(/^netloom: [a-z]+\.[a-z-]+: \S.*[^.]$/);
  expect(result.stderr).not.toMatch(raw);
}

const bytes = Buffer.from([0, 1, 2, 0xff, 0xfe, 10, 0x80]);

describe('P12 containers.conf', () => {
  it.each<[string, string | Buffer, RegExp]>([
    ['a number for a list', '[engine]\nenv = 5\n', /containers\.conf: engine\.env must be a list$/],
    [
      'a number in a list',
      '[engine]\nenv = ["A=1", 5]',
      /: engine\.env\[1\] must be text in quotes, or \{append = true\}$/,
    ],
    ['a number for a table', 'engine = 5', /: engine must be a table$/],
    ['a list for a table', '[[network]]\nx = 1', /: network must be a table$/],
    ['true for text', '[network]\nnetwork_backend = true', /: network\.network_backend must be text in quotes$/],
    ['no end of a table', '[engine]\nenv = []\n[network\n', /containers\.conf is not valid TOML: line 3, column \d+$/],
    ['the same twice', '[engine]\nenv = []\nenv = []\n', /is not valid TOML: line 3, column \d+$/],
    ['no TOML at all', bytes, /is not valid TOML: line 1, column 1$/],
  ])('P12 containers.conf with %s is refused by its place', async (_, content, words) => {
    writeFileSync(at('containers.conf'), content);
    for (const verb of ['status', 'install --force'])
      await expectRefusal(['podman', ...verb.split(' '), '--config-dir', directory], 2, words);
  });

  it('P12 containers.conf is refused when it is a directory', async () => {
    rmSync(at('containers.conf'), { force: true });
    mkdirSync(at('other/containers.conf'), { recursive: true });
    await expectRefusal(
      ['podman', 'status', '--config-dir', at('other')],
      2,
      /containers\.conf is not a regular file$/,
    );
  });

  it.each([
    ['prints no JSON', 'echo hello', /podman ps --all --format json: the output is not what netloom expects$/],
    ['prints other JSON', `echo '[{"Id": 5}]'`, /the output is not what netloom expects$/],
    ['fails', 'printf "Error: no storage\\nat all\\n" >&2; exit 125', /json: Error: no storage$/],
    ['fails without a message', 'exit 3', /json: ended with 3$/],
    [
      'fails with a line of its log',
      `echo 'time="2026-11-28T21:32:10Z" level=error msg="stat \\"/a\\": permission denied"' >&2; exit 1`,
      /json: stat "\/a": permission denied$/,
    ],
  ])('P12 containers.conf of a podman that %s is left alone', async (_, script, words) => {
    mkdirSync(at('bin'), { recursive: true });
    writeFileSync(at('bin/podman'), `#!/bin/sh\n${script}\n`);
    chmodSync(at('bin/podman'), 0o755);
    await withPath(at('bin'), () => expectRefusal(['podman', 'uninstall', '--config-dir', at('other')], 1, words));
  });

  it('P12 podman status marks a podman that does not report its version', async () => {
    mkdirSync(at('bin'), { recursive: true });
    writeFileSync(at('bin/podman'), '#!/bin/sh\nprintf "Error: no storage\\nat all\\n" >&2; exit 125\n');
    chmodSync(at('bin/podman'), 0o755);
    mkdirSync(at('empty'), { recursive: true });
    const { stdout, exitCode } = await withPath(at('bin'), () => cli('podman', 'status', '--config-dir', at('empty')));
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^✗ podman +does not report its version: Error: no storage \(\S+\/podman\)$/m);
  });
});

/** Runs with the programs in that directory first. */
async function withPath<Result>(path: string, act: () => Promise<Result>): Promise<Result> {
  const before = process.env.PATH;
  process.env.PATH = `${path}:${before}`;
  try {
    return await act();
  } finally {
    process.env.PATH = before;
  }
}

describe('P12 a credentials file', () => {
  const url = 'nats://127.0.0.1:1';
  const { creds } = natsAccount();
  it.each<[string, string | Buffer, RegExp]>([
    ['nothing', '', /is not a credentials file/],
    ['half of its JSON', '{"url": "nats://', /is not a credentials file/],
    ['a list', '[]', /is not a credentials file/],
    ['null', 'null', /is not a credentials file/],
    ['a number for the URL', '{"url": 5, "user": "a", "password": "b", "node": "c"}', /is not a credentials file/],
    ['bytes', bytes, /is not a credentials file/],
    [
      'a damaged seed',
      creds.replace(/^S[A-Z0-9]{20}/m, 'S00000000000000000000'),
      /are damaged: expected a JWT and its NKEY seed/,
    ],
    [
      'a seed that is cut',
      creds.replace(/^(S[A-Z0-9]{20}).*$/m, '$1'),
      /are damaged: expected a JWT and its NKEY seed/,
    ],
    [
      'a seed of another kind',
      creds.replace(/^S[A-Z0-9]+$/m, 'hello'),
      /are damaged: expected a JWT and its NKEY seed/,
    ],
  ])('P12 a credentials file with %s is refused by its name', async (_, content, words) => {
    writeFileSync(at('creds'), content);
    await expectRefusal(['ps', '--creds', at('creds'), '--nats-url', url], 4, words);
  });
});

/** Invalid JSON: what it is, and where. */
const notJson: [string, string, string][] = [
  ['nothing but a brace', '{', 'it ends too early'],
  ['half of a string', '{"id": "we', 'it ends too early'],
  ['a comma too many', '{\n  "id": "web",\n}', 'line 3, column 1'],
  ['no value', '{"id": }', 'line 1, column 8'],
  ['a word', 'hello', 'line 1, column 1'],
  ['single quotes', "{'id': 'web'}", 'line 1, column 2'],
  ['a line feed in a string', '{"id": "a\nb"}', 'line 1, column 10'],
  ['trailing data', '{"id": "web"}\n{}', 'line 2, column 1'],
  ['a comment', '{"id": "web" // mine\n}', 'line 1, column 14'],
];

describe('P12 a request in a file', () => {
  const attachment = { network: 'web', ipv4: '10.89.0.5' };
  it.each<[string, object, RegExp]>([
    ['no id', {}, /wish\.json: id is missing$/],
    ['null for the id', { id: null, networks: [] }, /wish\.json: id is missing$/],
    ['a field that is mistyped', { id: 'q', networkz: [] }, /wish\.json: unknown field networkz$/],
    ['a field of a network', { id: 'q', networks: [attachment] }, /: unknown field networks\[0\]\.ipv4$/],
    [
      'several',
      { id: 'q', a: 1, ports: [{ hostPort: 8080, containerPort: 80, host: 1 }] },
      /: unknown fields a, ports\[0\]\.host$/,
    ],
  ])('P12 a request in a file with %s is refused', async (_, request, words) => {
    writeFileSync(at('wish.json'), JSON.stringify(request));
    for (const verb of ['create', 'setup'])
      await expectRefusal(['container', verb, '--file', at('wish.json')], 2, words);
  });

  it('P12 a request in a file may have labels, or networks of one set-up, without unknown fields', async () => {
    const request = { id: 'q', labels: { any: 'x' }, networkOverrides: [{ network: 'web' }] };
    writeFileSync(at('wish.json'), JSON.stringify(request));
    // no daemon answers
    expect(await cli('container', 'setup', '--file', at('wish.json'))).toMatchObject({ exitCode: 4 });
    await expectRefusal(['container', 'create', '--file', at('wish.json')], 2, /unknown field networkOverrides$/);
  });
});

describe('P12 JSON', () => {
  it.each(notJson)('P12 JSON with %s is refused by its place', async (_, content, place) => {
    const words = `is not valid JSON: ${place}`;
    writeFileSync(at('wish.json'), content);
    for (const verb of ['create', 'setup'])
      await expectRefusal(['container', verb, '--file', at('wish.json')], 2, new RegExp(`wish\\.json ${words}$`));
    expect(refusalOf(() => parsePayload(verbs['container.create'].request, Buffer.from(content)))).toEqual({
      code: 'payload.malformed',
      message: `the payload ${words}`,
    });
    mkdirSync(at('networks'), { recursive: true });
    writeFileSync(at('networks/web.json'), content);
    expect(new DefinitionStore(at('networks')).list().damaged).toEqual([
      { file: 'web.json', reason: `the file ${words}` },
    ]);
  });

  it.each([['[]'], ['5'], ['"web"'], ['null']])('P12 JSON that is no object is refused: %s', async (content) => {
    writeFileSync(at('wish.json'), content);
    await expectRefusal(['container', 'create', '--file', at('wish.json')], 2, /wish\.json: expected a JSON object$/);
  });

  it('P12 JSON that is not UTF-8 is refused', () => {
    expect(refusalOf(() => parsePayload(verbs['container.create'].request, bytes))).toEqual({
      code: 'payload.malformed',
      message: 'the payload is not valid UTF-8',
    });
  });
});

function refusalOf(act: () => unknown): { code: string; message: string } | null {
  try {
    act();
    return null;
  } catch (error) {
    return faultOf(error);
  }
}

const wrong: unknown[] = [5, -1, 1.5, 1e99, true, '', 'a\nb', '..', null, [], [5], [null], [{ a: [] }], {}, { a: 5 }];

/** Yields the same value with each part of it wrong, at every depth. */
function* damaged(value: unknown): Generator<unknown> {
  yield* wrong;
  if (typeof value !== 'object' || value === null) return;
  for (const [key, part] of Object.entries(value))
    for (const other of damaged(part))
      yield Array.isArray(value)
        ? value.map((entry, index) => (`${index}` === key ? other : entry))
        : { ...value, [key]: other };
}

/** All fields that requests may have, so that each one is damaged in turn. */
const request = {
  id: 'web',
  name: 'web',
  mode: 'bridge',
  pid: 5,
  exitCode: 0,
  index: 0,
  force: true,
  names: ['web'],
  labels: { a: 'b' },
  dnsServers: ['192.0.2.1'],
  networks: [
    {
      network: 'front',
      staticIps: ['10.0.0.5'],
      staticMac: '02:00:00:00:00:01',
      interfaceName: 'eth0',
      aliases: ['w'],
    },
  ],
  ports: [{ hostIp: '127.0.0.1', hostPort: 80, containerPort: 80, protocol: 'tcp', range: 1 }],
  network: 'front',
  driver: 'bridge',
  options: { mtu: '1400' },
  subnets: [{ subnet: '10.0.0.0/24', gateway: '10.0.0.1', lease_range: { start_ip: '10.0.0.5', end_ip: '10.0.0.9' } }],
  routes: [{ destination: '10.9.0.0/24', gateway: '10.0.0.9', metric: 5 }],
  startWithinMs: 500,
  netns: { path: '/x' },
};

describe('P12 a request whose fields are wrong', () => {
  it.each(commandNames.map((name) => [name]))(
    'P12 a request with a wrong field is refused in one sentence: %s',
    (name) => {
      const messages = [...damaged(request)].flatMap((payload) => {
        const refused = refusalOf(() =>
          parsePayload<unknown>(verbs[name].request, Buffer.from(JSON.stringify(payload))),
        );
        return refused?.message ?? [];
      });
      expect(messages.length).toBeGreaterThan(0);
      expect(messages.filter((message) => raw.test(message))).toEqual([]);
    },
  );
});

describe('P12 a network file whose fields are wrong', () => {
  it('P12 a network file with a wrong field is left out, and the reason is one sentence', () => {
    const file = fileOf(
      definitionOf({
        subnets: [{ subnet: '10.0.0.0/24', lease_range: { start_ip: '10.0.0.9' } }],
        routes: [{ destination: '10.9.0.0/16', gateway: '10.0.0.9' }],
        network_dns_servers: ['192.0.2.1'],
        labels: { a: 'b' },
        options: { mtu: '1400' },
      }),
    );
    mkdirSync(at('files'), { recursive: true });
    const store = new DefinitionStore(at('files'));
    const reasons = [...damaged(file)].flatMap((content) => {
      writeFileSync(at('files/demo.json'), JSON.stringify(content));
      return store.list().damaged.map(({ reason }) => reason);
    });
    expect(reasons.length).toBeGreaterThan(100);
    expect(reasons.filter((reason) => raw.test(reason))).toEqual([]);
  });
});
