import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { door, runDoor } from './door.ts';
import { info, message, type Script, ScriptedServer } from './scripted-server.ts';

/** The door's own NATS client, beside a server that sends whatever a test requires. */

let server: ScriptedServer;
beforeEach(async () => {
  server = await ScriptedServer.open();
});
afterEach(() => server.close());

const definition = { name: 'web', driver: 'bridge' };
const answer = JSON.stringify({ definition });
const faultHeaders = 'NATS/1.0\r\nNats-Service-Error-Code: 404\r\nNats-Service-Error: no';

/** Runs `create`, which sends its input and prints the definition that it receives. */
async function create(input: unknown = {}): Promise<{ code: number | null; output: unknown }> {
  const { code, stdout } = await runDoor(['create'], { env: { NETLOOM_RUN_DIR: server.runDirectory }, input });
  return { code, output: JSON.parse(stdout) };
}

const answered = { code: 0, output: definition };
const failed = (words: string | RegExp) => ({ code: 1, output: { error: expect.stringMatching(words) } });

/** Greets, waits for the request, and answers with the text. */
const replying =
  (text: (inbox: string) => string | Buffer, how: (socket: Parameters<Script>[0], text: string | Buffer) => unknown) =>
  async (...[socket, received]: Parameters<Script>) => {
    socket.write(info());
    socket.once('request', () => how(socket, text(received.request?.inbox ?? '')));
  };
const atOnce = (text: (inbox: string) => string | Buffer) => replying(text, (socket, words) => socket.write(words));

describe("the door's request", () => {
  it('the door sends a greeting, one subscription below the inbox of the role, and one request', async () => {
    server.script = atOnce((inbox) => message(inbox, answer));
    expect(await create({ some: 'ünput' })).toEqual(answered);
    const { connect, inbox, subject, payload } = server.received[0]?.request ?? {};
    expect(connect).toMatchObject({
      user: 'operator',
      pass: 'a"b\\c',
      verbose: false,
      headers: true,
      no_responders: true,
    });
    expect([subject, JSON.parse(payload ?? '')]).toEqual(['netloom.v1.here.plan.network', { some: 'ünput' }]);
    expect(inbox).toMatch(/^_INBOX\.operator\.[0-9a-f]{32}$/);
  });

  it('the door uses another inbox each time', async () => {
    server.script = atOnce((inbox) => message(inbox, answer));
    await create();
    await create();
    const inboxes = server.received.map(({ request }) => request?.inbox);
    expect(new Set(inboxes).size).toBe(2);
  });

  it('a request arrives complete, however slowly it is read', async () => {
    const input = { text: 'é'.repeat(1_500_000) };
    server.script = async (socket, received) => {
      socket.pause();
      socket.write(info());
      await delay(200);
      socket.resume();
      socket.once('request', () => socket.write(message(received.request?.inbox ?? '', answer)));
    };
    expect(await create(input)).toEqual(answered);
    expect(JSON.parse(server.received[0]?.request?.payload ?? '')).toEqual(input);
  });

  it('a request larger than the server accepts is not sent', async () => {
    server.script = (socket) => void socket.write(info({ max_payload: 1000 }));
    expect(await create({ text: 'x'.repeat(1000) })).toEqual(failed(/a request of 1011 bytes, of which at most 1000/));
    expect(server.received[0]?.text).toBe('');
  });

  it('a request can go to localhost', async () => {
    server.script = atOnce((inbox) => message(inbox, answer));
    server.writeCredentials({ url: server.url.replace('127.0.0.1', 'localhost') });
    expect(await create()).toEqual(answered);
  });

  it('a request can go to ::1', async () => {
    await server.close();
    server = await ScriptedServer.open('::1');
    server.script = atOnce((inbox) => message(inbox, answer));
    expect(await create()).toEqual(answered);
  });

  it.each(['nats://192.0.2.1:4222', 'tls://127.0.0.1:4222', 'nats://127.0.0.1', 'nats://user@127.0.0.1:4222'])(
    'a request is not sent to a server that is not clearly the own one: %s',
    async (url) => {
      const { runDirectory } = server;
      server.writeCredentials({ url });
      const alone = `${runDirectory}/netavark`;
      copyFileSync(door, alone);
      const { stdout } = await runDoor(['create'], {
        env: { NETLOOM_RUN_DIR: runDirectory },
        input: {},
        program: alone,
      });
      expect(JSON.parse(stdout).error).toContain('libnats-dev');
    },
  );
});

describe("the server's reply", () => {
  const replies: [string, (inbox: string) => string, unknown][] = [
    ['an answer', (inbox) => message(inbox, answer), answered],
    ['an answer with headers', (inbox) => message(inbox, answer, 'NATS/1.0\r\nX: y'), answered],
    [
      'a reply subject as well',
      (inbox) => message(inbox, answer).replace(`${inbox} 1`, `${inbox} 1 some.where`),
      answered,
    ],
    ['earlier signs of life', (inbox) => `+OK\r\n${info()}PONG\r\n${message(inbox, answer)}`, answered],
    [
      'a fault',
      (inbox) => message(inbox, '{"code":"a.b","message":"not so"}', faultHeaders),
      { code: 1, output: { error: 'not so' } },
    ],
    ['a fault without a message', (inbox) => message(inbox, '{"code":7}', faultHeaders), failed(/without a message/)],
    ['invalid JSON', (inbox) => message(inbox, '{'), failed(/not valid JSON/)],
    ['no responders', (inbox) => message(inbox, '', 'NATS/1.0 503'), failed(/no daemon serves this node/)],
    ['refused credentials', () => "-ERR 'Authorization Violation'\r\n", failed(/Authorization Violation/)],
    [
      'a missing permission',
      () => `-ERR 'Permissions Violation for Publish to "x"'\r\n`,
      failed(/Permissions Violation/),
    ],
    ['an error without text', () => '-ERR\r\n', failed(/the NATS server reports/)],
  ];
  it.each(replies)('the reply is understood: %s', async (_, text, outcome) => {
    server.script = atOnce(text);
    expect(await create()).toEqual(outcome);
  });

  it.each(replies)('the reply is understood byte by byte: %s', async (_, text, outcome) => {
    server.script = replying(text, async (socket, words) => {
      for (const byte of Buffer.from(words)) {
        socket.write(Buffer.of(byte));
        await new Promise(setImmediate);
      }
    });
    expect(await create()).toEqual(outcome);
  });

  it('the reply is waited for, and pings in the meantime are answered', async () => {
    server.script = replying(
      (inbox) => message(inbox, answer),
      async (socket, words) => {
        socket.write('PING\r\n');
        while (!server.received[0]?.text.endsWith('\r\nPONG\r\n')) await delay(1);
        socket.write(words);
      },
    );
    expect(await create()).toEqual(answered);
  });

  it('the reply may be as large as the server allows', async () => {
    const long = { ...definition, name: 'x'.repeat(4_000_000) };
    server.script = atOnce((inbox) => message(inbox, JSON.stringify({ definition: long })));
    expect(await create()).toEqual({ code: 0, output: long });
  });

  it('the reply is read although the server closed the connection before it had read everything', async () => {
    server.script = (socket) => void socket.end(`${info()}-ERR 'Authorization Violation'\r\n`);
    expect(await create({ text: 'x'.repeat(4_000_000) })).toEqual(failed(/Authorization Violation/));
  });
});

describe("the reply to podman's set-up", () => {
  it('the reply to a set-up gives each address the gateway of its subnet', async () => {
    const addresses = ['fd01::2/64', '10.1.9.2/16', '10.1.9.3/16', '10.2.0.2/24'].map((ipnet) => ({ ipnet }));
    const block = {
      dns_server_ips: ['10.1.0.1'],
      dns_search_domains: [],
      interfaces: { eth0: { mac_address: '02:00:00:00:00:01', subnets: addresses } },
    };
    server.script = atOnce((inbox) => message(inbox, JSON.stringify({ status: { web: block } })));
    const subnets = [
      { subnet: '10.1.0.0/16', gateway: '10.1.0.1' },
      { subnet: '10.2.0.0/24' },
      { subnet: 'fd01::/64', gateway: 'fd01::1' },
    ];
    const input = {
      container_id: 'c1',
      container_name: 'one',
      networks: { web: { interface_name: 'eth0' } },
      network_info: { web: { name: 'web', subnets } },
    };
    const { stdout } = await runDoor(['setup', '/x'], { env: { NETLOOM_RUN_DIR: server.runDirectory }, input });
    expect(JSON.parse(stdout).web.interfaces.eth0.subnets).toEqual([
      { ipnet: 'fd01::2/64', gateway: 'fd01::1' },
      { ipnet: '10.1.9.2/16', gateway: '10.1.0.1' },
      { ipnet: '10.1.9.3/16', gateway: '10.1.0.1' },
      { ipnet: '10.2.0.2/24' },
    ]);
  });
});

describe('a server that goes away', () => {
  const whole = (inbox: string) => `PING\r\n${message(inbox, answer, 'NATS/1.0\r\nX: y')}`;
  const lengths = Array.from({ length: whole('x'.repeat(48)).length }, (_, length) => length);

  it('a server that goes away before its greeting is reported, wherever it stops', async () => {
    const greeting = info();
    let length = 0;
    server.script = (socket) => void socket.end(greeting.slice(0, length));
    for (; length < greeting.length; length++)
      expect(await create(), `after ${length}`).toEqual(failed(/^netloom's daemon does not answer: .*(closed|reset)/));
  });

  it.each([
    ['ends', (socket: Parameters<Script>[0]) => socket.end()],
    ['resets', (socket: Parameters<Script>[0]) => socket.resetAndDestroy()],
  ])(
    'a server that goes away before its reply is reported, wherever it stops (it %s the connection)',
    async (_, go) => {
      let length = 0;
      server.script = replying(whole, (socket, words) => socket.write(words.slice(0, length), () => go(socket)));
      for (length of lengths)
        expect(await create(), `after ${length}`).toEqual(
          failed(/^netloom's daemon does not answer: .*(closed|reset)/),
        );
    },
  );

  it('a server that does not listen is reported', async () => {
    server.writeCredentials({ url: 'nats://127.0.0.1:1' });
    expect(await create()).toEqual(failed(/^netloom's daemon does not answer: Connection refused at/));
  });

  it('a server that never greets is reported after 5 s', async () => {
    expect(await create()).toEqual(failed(/^netloom's daemon does not answer: timed out at/));
  });
});

describe('data that are not NATS', () => {
  it.each([
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['INFO without JSON', 'INFO {\r\n'],
    ['INFO that is not an object', 'INFO []\r\n'],
    ['an empty line', '\r\n'],
    ['a line without an end', 'I'.repeat(100_000)],
    ['zeroes', Buffer.alloc(100_000)],
  ])('foreign data in place of a greeting are reported: %s', async (_, text) => {
    server.script = (socket) => void socket.write(text);
    expect(await create()).toEqual(failed(/not a NATS server|without an end/));
  });

  it.each<[string, (inbox: string) => string | Buffer]>([
    ['an unknown verb', () => 'HELLO\r\n'],
    ['an empty line', () => '\r\n'],
    ['a line without an end', () => 'M'.repeat(100_000)],
    ['zeroes', () => Buffer.alloc(100_000)],
    ['no length', (inbox) => `MSG ${inbox} 1\r\n`],
    ['a length in words', (inbox) => `MSG ${inbox} 1 many\r\n`],
    ['a negative length', (inbox) => `MSG ${inbox} 1 -1\r\n`],
    ['an excessive length', (inbox) => `MSG ${inbox} 1 99999999999999999999999\r\n`],
    ['a length beyond what a server may carry', (inbox) => `MSG ${inbox} 1 67108865\r\n`],
    ['too short a length', (inbox) => `MSG ${inbox} 1 1\r\n{}\r\n`],
    ['more headers than message', (inbox) => `HMSG ${inbox} 1 14 12\r\nNATS/1.0\r\n\r\n{}\r\n`],
    ['one length of two', (inbox) => `HMSG ${inbox} 1 12\r\nNATS/1.0\r\n\r\n\r\n`],
  ])('foreign data in place of a reply are reported: %s', async (_, text) => {
    server.script = atOnce(text);
    expect(await create()).toEqual(failed(/not NATS|without an end|length/));
  });
});

describe('a credentials file of the door', () => {
  it.each([
    ['url', 1],
    ['user', null],
    ['password', {}],
    ['node', []],
  ])('a credentials file is refused with wrong types: %s %j', async (field, value) => {
    server.writeCredentials({ [field]: value });
    expect(await create()).toEqual(failed(/operator\.json is not a credentials file/));
  });

  it('a credentials file is refused with a node that is not one token of a subject', async () => {
    server.writeCredentials({ node: 'a b\r\nPUB x 0' });
    expect(await create()).toEqual(failed(/is not a valid name of a node/));
  });
});

describe('a server from NATS_URL', () => {
  it.each(['', '/somewhere/user.creds'])(
    'a server from NATS_URL does not receive the local password (NETLOOM_CREDS=%s)',
    async (creds) => {
      server.script = (socket, received) => {
        socket.write(info());
        socket.on('data', () => received.text.includes('PING\r\n') && socket.end());
      };
      const env = { NETLOOM_RUN_DIR: server.runDirectory, NATS_URL: server.url, NETLOOM_CREDS: creds };
      const { code, stdout } = await runDoor(['create'], { env, input: {} });
      expect([code, JSON.parse(stdout)]).toEqual([1, { error: expect.stringContaining("netloom's daemon") }]);
      expect(server.received.map(({ text }) => text).join()).not.toContain('operator');
    },
  );

  it('a server from NATS_URL receives the password of the named credentials', async () => {
    server.script = (socket, received) => {
      socket.write(info());
      socket.on('data', () => received.text.includes('PING\r\n') && socket.end());
    };
    const creds = `${server.runDirectory}/credentials/operator.json`;
    await runDoor(['create'], { env: { NATS_URL: server.url, NETLOOM_CREDS: creds }, input: {} });
    expect(server.received[0]?.text).toContain('"user":"operator"');
  });
});

const input = {
  container_id: 'c1',
  container_name: 'one',
  networks: { web: { interface_name: 'eth0' } },
  network_info: { web: { name: 'web', subnets: [] } },
};
const asked = { id: 'c1', networks: ['web'], netns: '/run/netns/c1' };

/** The result, and the teardowns in the run directory that the daemon has to do. */
async function call(verb: 'setup' | 'teardown') {
  const queue = `${server.runDirectory}/teardowns`;
  mkdirSync(queue, { recursive: true });
  const env = { NETLOOM_RUN_DIR: server.runDirectory };
  const result = await runDoor([verb, asked.netns], { env, input });
  const files = readdirSync(queue).sort();
  return { ...result, left: files.map((file) => JSON.parse(readFileSync(`${queue}/${file}`, 'utf8'))) };
}

const fault = (code: string) => (inbox: string) =>
  message(inbox, JSON.stringify({ code, message: 'not now' }), faultHeaders);

const hangingUp = replying(
  () => '',
  (socket) => socket.end(),
);
const resetting = replying(
  () => '',
  (socket) => socket.resetAndDestroy(),
);

describe('a set-up through the door that gets no answer', () => {
  const callOf = (index: number): string => JSON.parse(server.received[index]?.request?.payload ?? '{}').call;
  const unanswered: [string, Script][] = [
    ['hangs up', hangingUp],
    ['resets the connection', resetting],
    [
      'stops within its reply',
      replying(
        (inbox) => message(inbox, answer).slice(0, -9),
        (socket, words) => socket.end(words),
      ),
    ],
    ['reports a stale connection', atOnce(() => "-ERR 'Stale Connection'\r\n")],
    ['replies with invalid JSON', atOnce((inbox) => message(inbox, '{'))],
  ];

  it.each(unanswered)('a set-up is reported as failed and taken back when the server %s', async (_, script) => {
    server.script = script;
    const { code, stdout, left } = await call('setup');
    expect([code, JSON.parse(stdout)]).toEqual([1, { error: expect.stringMatching(/^netloom's daemon/) }]);
    expect(left).toEqual([{ ...asked, call: callOf(0) }]);
    expect(callOf(0)).toMatch(/^[0-9a-f]{32}$/);
  });

  it.each<[string, Script]>([
    ['the server hangs up at once', (socket) => void socket.end()],
    ['the server refuses the credentials', atOnce(() => "-ERR 'Authorization Violation'\r\n")],
    ['there are no responders', atOnce((inbox) => message(inbox, '', 'NATS/1.0 503'))],
    ['the daemon is stopping', atOnce(fault('node.draining'))],
    ['the daemon refuses it', atOnce(fault('port.taken'))],
  ])('nothing is taken back when %s, because nothing was done', async (_, script) => {
    server.script = script;
    expect(await call('setup')).toMatchObject({ code: 1, left: [] });
  });

  it('a set-up that is not sent keeps what takes an earlier one back, and removes the teardown of a reload', async () => {
    server.script = hangingUp;
    await call('setup');
    await call('teardown');
    expect((await call('setup')).left).toHaveLength(3);
    server.script = (socket) => void socket.end();
    const { left } = await call('setup');
    expect(left).toEqual([0, 2].map((index) => ({ ...asked, call: callOf(index) })));
  });
});

describe('a teardown through the door', () => {
  const teardown = () => call('teardown');

  it.each<[string, Script]>([
    ['the server hangs up at once', (socket) => void socket.end()],
    ['the server hangs up before it answers', hangingUp],
    ['the server resets the connection', resetting],
    ['the server refuses the credentials', atOnce(() => "-ERR 'Authorization Violation'\r\n")],
    ['another program answers', (socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['the reply is not JSON', atOnce((inbox) => message(inbox, '{'))],
    ['the reply is a fault without a code', atOnce((inbox) => message(inbox, '', faultHeaders))],
    ['there are no responders', atOnce((inbox) => message(inbox, '', 'NATS/1.0 503'))],
    ['the daemon is stopping', atOnce(fault('node.draining'))],
    ['the daemon is still starting after 10 s', atOnce(fault('node.recovering'))],
  ])('a teardown is queued when %s', async (_, script) => {
    server.script = script;
    expect(await teardown()).toEqual({ code: 0, stdout: '', stderr: '', left: [asked] });
  });

  it('a teardown is queued when the credentials are invalid', async () => {
    server.writeCredentials({ url: 4222 });
    expect(await teardown()).toEqual({ code: 0, stdout: '', stderr: '', left: [asked] });
  });

  it('a teardown is not queued when the daemon has done it or refused it with a reason', async () => {
    server.script = atOnce((inbox) => message(inbox, '{}'));
    expect(await teardown()).toMatchObject({ code: 0, left: [] });
    server.script = atOnce(fault('network.busy'));
    expect(await teardown()).toMatchObject({ code: 1, stdout: '{"error":"not now"}\n', left: [] });
  });
});
