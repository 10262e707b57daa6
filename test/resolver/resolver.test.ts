import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ResolverClient } from '../../src/resolver/client.ts';
import { ResolverThread } from '../../src/resolver/thread.ts';
import { becomeFreshHost, temporaryDirectory } from '../support/fresh-host.ts';
import { ask, askByTcp, entry, exchange, network, ownAddresses, query, Upstream } from './support.ts';

const directory = temporaryDirectory();
const resolvConf = join(directory.path, 'resolv.conf');
const web = { from: '10.89.0.2', at: '10.89.0.1' };
const db = { from: '10.89.1.2', at: '10.89.1.1' };
let thread: ResolverThread;
let client: ResolverClient;
let upstream: Upstream;

beforeAll(async () => {
  await becomeFreshHost();
  ownAddresses('10.89.0.1', '10.89.0.2', '10.89.0.3', '10.89.0.9', '10.89.1.1', '10.89.1.2', '10.89.2.1', '10.89.2.2');
  ownAddresses('fd00:89::1', 'fd00:89::2', '192.0.2.9');
  writeFileSync(resolvConf, 'nameserver 127.0.0.2\n');
  upstream = await Upstream.start('127.0.0.2');
  thread = await ResolverThread.start({ resolvConf, timeoutMs: 200 });
  client = new ResolverClient(thread.connect());
  const dual = { listen: ['10.89.0.1', 'fd00:89::1'], subnets: ['10.89.0.0/24', 'fd00:89::/64'] };
  await client.serve(network('front', 0, dual));
  await client.serve(network('back', 1, { servers: [] }));
  await client.serve(network('inner', 2, { forward: false }));
  const names = ['Web', 'www', '0123456789ab'];
  await client.add(entry('front', 'c1', ['10.89.0.2', 'fd00:89::2'], { names }));
  await client.add(entry('front', 'c2', ['10.89.0.3'], { names: ['api', 'www'] }));
  await client.add(entry('back', 'c3', ['10.89.1.2'], { names: ['db'] }));
  await client.add(entry('inner', 'c4', ['10.89.2.2'], { names: ['vault'] }));
});

afterAll(async () => {
  client.close();
  await thread.stop();
  upstream.stop();
  directory.remove();
});

describe('names of containers', () => {
  it.each(['web', 'WEB', '0123456789ab', 'web.dns.netloom', 'Web.DNS.netloom'])(
    "a container's name resolves to its addresses: %s",
    async (name) => {
      expect(await ask(name, web)).toMatchObject({ rcode: 'NOERROR', aa: true, ra: true, data: ['10.89.0.2'] });
      expect(await ask(name, { ...web, type: 'AAAA' })).toMatchObject({ rcode: 'NOERROR', data: ['fd00:89::2'] });
    },
  );

  it('an alias resolves to all its holders, each first in turn', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask('www', web)));
    for (const { data } of answers) expect(data.toSorted()).toEqual(['10.89.0.2', '10.89.0.3']);
    expect(new Set(answers.map(({ data }) => data[0])).size).toBe(2);
  });

  it('a name without an address of that family gives an empty reply, and an unknown one NXDOMAIN', async () => {
    expect(await ask('api', { ...web, type: 'AAAA' })).toMatchObject({ rcode: 'NOERROR', data: [] });
    expect(await ask('api', { ...web, type: 'MX' })).toMatchObject({ rcode: 'NOERROR', data: [] });
    const before = upstream.queries.length;
    expect(await ask('nobody.dns.netloom', web)).toMatchObject({ rcode: 'NXDOMAIN', data: [] });
    expect(upstream.queries).toHaveLength(before);
  });

  it('names are answered over IPv6 and TCP, several on one connection', async () => {
    expect((await ask('web', { from: 'fd00:89::2', at: 'fd00:89::1' })).data).toEqual(['10.89.0.2']);
    const answers = await askByTcp(['web', 'api', 'web.dns.netloom'], web);
    expect(answers.map(({ data }) => data[0]).toSorted()).toEqual(['10.89.0.2', '10.89.0.2', '10.89.0.3']);
  });

  it('addresses resolve to names, and queries for our own addresses are not forwarded', async () => {
    const before = upstream.queries.length;
    const ptr = { ...web, type: 'PTR' };
    const all = ['web.dns.netloom', 'www.dns.netloom', '0123456789ab.dns.netloom'];
    expect((await ask('2.0.89.10.in-addr.arpa', ptr)).data).toEqual(all);
    const six = `2${'.0'.repeat(23)}.9.8.0.0.0.0.d.f.ip6.arpa`;
    expect((await ask(six, ptr)).data).toEqual(all);
    expect((await ask('77.0.89.10.in-addr.arpa', ptr)).rcode).toBe('NXDOMAIN');
    expect(upstream.queries).toHaveLength(before);
    await ask('8.8.8.8.in-addr.arpa', ptr);
    expect(upstream.queries).toHaveLength(before + 1);
  });
});

describe('names in other spellings', () => {
  const name = 'Trail.Example.com.';
  const asked = { from: '10.89.0.9', at: '10.89.0.1' };
  const long = 'x'.repeat(63);

  it('N15 names are found without the last dot, in any case, in UTF-8 and as A-labels; a name outside DNS limits is not given', async () => {
    const names = [name, 'Bücher', 'a b', `${long}x`, 'a..b', '', [long, long, long, long].join('.')];
    await client.add(entry('front', 'c5', ['10.89.0.9'], { names }));
    for (const spelling of ['trail.example.com', 'TRAIL.example.com', 'trail.example.com.dns.netloom'])
      expect((await ask(spelling, web)).data).toEqual(['10.89.0.9']);
    for (const spelling of ['bücher', 'BÜCHER', 'xn--bcher-kva', 'XN--bcher-kva.dns.podman', 'a b'])
      expect((await ask(spelling, web)).data).toEqual(['10.89.0.9']);
    const found = (await ask('9.0.89.10.in-addr.arpa', { ...web, type: 'PTR' })).data;
    expect(found).toEqual(['trail.example.com.dns.netloom', 'xn--bcher-kva.dns.netloom', 'a b.dns.netloom']);
    await client.remove('front', 'c5');
    expect((await ask('xn--bcher-kva.dns.netloom', web)).rcode).toBe('NXDOMAIN');
  });

  it("C09 reverse names come under the domain of the asker's engine, else of the container's, in every family and complete by TCP", async () => {
    const names = ['pod', ...Array.from({ length: 40 }, (_, index) => `alias-${index}.example.com`)];
    await client.add(entry('front', 'c5', ['10.89.0.9'], { names, domain: 'dns.podman' }));
    const all = names.map((each) => `${each}.dns.podman`);
    const cut = await ask('9.0.89.10.in-addr.arpa', { ...web, type: 'PTR' });
    expect(cut).toMatchObject({ tc: true, data: [] });
    const [whole] = await askByTcp(['9.0.89.10.in-addr.arpa'], { ...web, type: 'PTR' });
    expect(whole?.data).toEqual(all);
    const others = ['web.dns.podman', 'www.dns.podman', '0123456789ab.dns.podman'];
    expect((await ask('2.0.89.10.in-addr.arpa', { ...asked, type: 'PTR' })).data).toEqual(others);
    const six = `2${'.0'.repeat(23)}.9.8.0.0.0.0.d.f.ip6.arpa`;
    expect((await ask(six, { ...asked, type: 'PTR' })).data).toEqual(others);
    for (const spelling of others) expect((await ask(spelling, asked)).data).toContain('10.89.0.2');
    await client.remove('front', 'c5');
  });
});

describe('the names visible to an asker', () => {
  it('an asker sees the names of the networks that it is on', async () => {
    expect((await ask('db.dns.netloom', web)).rcode).toBe('NXDOMAIN');
    await client.add(entry('front', 'c3', ['10.89.0.9'], { names: ['db'] }));
    expect((await ask('web', db)).data).toEqual(['10.89.0.2']);
    expect((await ask('db', web)).data).toEqual(['10.89.0.9']);
    await client.remove('front', 'c3');
    await client.remove('front', 'c3');
    expect((await ask('web.dns.netloom', db)).rcode).toBe('NXDOMAIN');
  });

  it('an asker without records sees the names of that network, and an outside asker none', async () => {
    expect((await ask('web', { from: '10.89.0.9', at: '10.89.0.1' })).data).toEqual(['10.89.0.2']);
    expect(await exchange(query('web', {}), { from: '192.0.2.9', at: '10.89.0.1' }, 300)).toBeNull();
    expect(await exchange(query('a.example', {}), { from: '10.89.1.2', at: '10.89.0.1' }, 300)).toBeNull();
    // cut off, by a reset or an end: it depends on whether the query came before
    expect(await askByTcp(['web'], { from: '192.0.2.9', at: '10.89.0.1' }).catch(() => [])).toEqual([]);
  });
});

describe('all other queries', () => {
  it('other queries go to the network’s servers unchanged, each from a port and with an ID of its own', async () => {
    const from = upstream.queries.length;
    for (let n = 0; n < 8; n++) {
      const { data, aa } = await ask('a.example', { ...web, edns: 1400 });
      expect({ data, aa }).toEqual({ data: ['192.0.2.1'], aa: false });
    }
    const seen = upstream.queries.slice(from);
    expect(new Set(seen.map(({ port }) => port)).size).toBeGreaterThan(4);
    expect(new Set(seen.map(({ raw }) => raw.readUInt16BE(0))).size).toBeGreaterThan(4);
    for (const { raw } of seen) expect(raw.subarray(2)).toEqual(query('a.example', { edns: 1400 }).subarray(2));
  });

  it('other queries go to the host’s servers when the network has none, and follow resolv.conf', async () => {
    expect((await ask('a.example', db)).data).toEqual(['192.0.2.1']);
    writeFileSync(resolvConf, 'nameserver 10.89.1.1\n');
    // the only server left is this resolver: it is left out
    await expect.poll(async () => (await ask('a.example', db)).rcode).toBe('SERVFAIL');
    writeFileSync(resolvConf, 'nameserver 127.0.0.2\n');
    await expect.poll(async () => (await ask('a.example', db)).rcode).toBe('NOERROR');
  });

  it('other queries go to the container’s own servers first', async () => {
    const own = await Upstream.start('127.0.0.3');
    await client.add(entry('back', 'c3', ['10.89.1.2'], { names: ['db'], servers: ['127.0.0.3'] }));
    expect((await ask('a.example', db)).data).toEqual(['192.0.2.1']);
    expect(own.queries).toHaveLength(1);
    own.stop();
    await client.add(entry('back', 'c3', ['10.89.1.2'], { names: ['db'] }));
  });

  it('other queries get SERVFAIL when no server answers, and the next server’s reply when one does', async () => {
    const before = upstream.queries.length;
    expect((await ask('silent.example', web)).rcode).toBe('SERVFAIL');
    expect(upstream.queries).toHaveLength(before + 2);
    await client.serve({ ...network('back', 1), servers: ['127.0.0.99', '127.0.0.2'] });
    expect((await ask('a.example', db)).data).toEqual(['192.0.2.1']);
  });

  it('other queries are not forwarded on an internal network', async () => {
    const before = upstream.queries.length;
    expect((await ask('a.example', { from: '10.89.2.2', at: '10.89.2.1' })).rcode).toBe('NXDOMAIN');
    expect(upstream.queries).toHaveLength(before);
  });

  it("other queries are repeated by TCP when the reply is truncated, and answered within the asker's limits", async () => {
    const cut = await ask('long.example', { ...web, type: 'TXT' });
    expect(cut).toMatchObject({ rcode: 'NOERROR', tc: true, data: [] });
    expect(upstream.queries.at(-1)).toMatchObject({ tcp: true });
    expect((await ask('long.example', { ...web, type: 'TXT', edns: 4096 })).packet.answers).toHaveLength(1);
    const [whole] = await askByTcp(['long.example'], { ...web, type: 'TXT' });
    expect(whole).toMatchObject({ tc: false });
    expect(whole?.packet.answers).toHaveLength(1);
  });
});

describe('data that are not a query', () => {
  const cases: [string, (raw: Buffer) => Buffer, string | null][] = [
    ['half a header', (raw) => raw.subarray(0, 8), null],
    ['a response', (raw) => raw.fill(0x81, 2, 3), null],
    ['another opcode', (raw) => raw.fill(0x28, 2, 3), 'NOTIMP'],
    ['no question', (raw) => raw.fill(0, 5, 6), 'FORMERR'],
    ['two questions', (raw) => raw.fill(2, 5, 6), 'FORMERR'],
    ['half a question', (raw) => raw.subarray(0, 15), 'FORMERR'],
    ['another class', (raw) => raw.fill(3, raw.length - 1), 'REFUSED'],
  ];
  it.each(cases)('data that are not a query get the right error or silence: %s', async (_, spoil, rcode) => {
    const reply = await exchange(spoil(query('web', {})), web, rcode ? 3000 : 200);
    expect(reply && ['NOERROR', 'FORMERR', '', '', 'NOTIMP', 'REFUSED'][reply.readUInt8(3) & 15]).toBe(rcode);
  });
});

describe('sockets of the resolver', () => {
  it('sockets that cannot be opened give the kernel’s error, and change nothing', async () => {
    await expect(client.serve(network('other', 0))).rejects.toMatchObject({ fault: { errno: 'EADDRINUSE' } });
    await expect(client.serve(network('other', 77))).rejects.toMatchObject({ fault: { errno: 'EADDRNOTAVAIL' } });
    await expect(client.add(entry('other', 'c9', []))).rejects.toMatchObject({ fault: { errno: 'ENOENT' } });
    expect((await ask('web', web)).data).toEqual(['10.89.0.2']);
  });

  it('sockets are closed with their network', async () => {
    await client.retire('inner');
    await client.retire('inner');
    expect(await exchange(query('vault', {}), { from: '10.89.2.2', at: '10.89.2.1' }, 200)).toBeNull();
    await client.serve(network('inner', 2, { forward: false }));
    expect((await ask('vault', { from: '10.89.2.2', at: '10.89.2.1' })).rcode).toBe('NXDOMAIN');
  });
});

describe('a resolver that dies', () => {
  it('a dead resolver is replaced by one with the same records, and queries in the meantime are answered', async () => {
    const other = new ResolverClient(thread.connect());
    await other.add(entry('front', 'c5', ['10.89.0.9'], { names: ['late'] }));
    await thread.stop();
    await thread.exited;
    const meanwhile = other.add(entry('front', 'c6', ['10.89.0.9'], { names: ['meanwhile'] }));
    thread = await ResolverThread.start({ resolvConf, timeoutMs: 200 });
    expect(await other.reconnect(thread.connect())).toEqual([]);
    expect(await client.reconnect(thread.connect())).toEqual([]);
    await meanwhile;
    for (const name of ['web', 'late', 'meanwhile']) expect((await ask(name, web)).rcode).toBe('NOERROR');
    expect((await client.status()).networks.map(({ name }) => name).toSorted()).toEqual(['back', 'front', 'inner']);
    other.close();
  });
});
