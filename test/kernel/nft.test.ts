import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  changeElements,
  deleteTable,
  hasElements,
  inspectTable,
  listElements,
  listTables,
  loadRuleset,
  type NftChange,
  type NftSocket,
  openNftSocket,
} from '#native';
import { add, baseRuleset, create, element, ifname, ip4, ip6, listed, port, proto, remove } from './elements.ts';
import { becomeHost, faultOf, type Host, run } from './host.ts';

const table = 'netloom';
let host: Host;
let socket: NftSocket;
beforeAll(async () => {
  host = await becomeHost();
  socket = openNftSocket();
});
afterAll(() => {
  socket.close();
  host.close();
});
beforeEach(() => loadRuleset(baseRuleset));

const change = (...changes: NftChange[]) => changeElements(socket, table, changes);
const published = (hostPort: number, address = '10.1.0.2', comment = `container ${hostPort}`) =>
  element('published_any4', [...proto('tcp'), ...port(hostPort)], { data: [...ip4(address), ...port(80)], comment });
/** Lists the elements of a set, as nft prints them. */
const shown = (set: string) => {
  const text = run(null, 'nft', ['-nn', 'list', 'set', 'inet', table, set]);
  return /elements = \{([^}]*)\}/.exec(text)?.[1]?.replace(/\s+/g, ' ').trim() ?? '';
};
const shownMap = (set: string) => {
  const text = run(null, 'nft', ['-nn', 'list', 'map', 'inet', table, set]);
  return /elements = \{([^}]*)\}/.exec(text)?.[1]?.replace(/\s+/g, ' ').trim() ?? '';
};

describe('the base ruleset', () => {
  it('the base ruleset loads, and loads again into a fresh table', () => {
    change(add(published(8080)));
    loadRuleset(baseRuleset);
    expect(listTables(socket)).toEqual([table]);
    expect(listElements(socket, table, 'published_any4')).toEqual([]);
  });

  it('the base ruleset stays unchanged when a ruleset is refused, and the error has the reason', () => {
    change(add(published(8080)));
    const fault = faultOf(() => loadRuleset(`flush ruleset\n${baseRuleset}\nno such thing`));
    expect(fault).toMatchObject({ op: 'load ruleset', errno: 'EINVAL' });
    expect(fault?.detail).toContain('syntax error');
    expect(shownMap('published_any4')).toContain('8080');
  });

  it('the base ruleset has a comment with the reason of every rule', () => {
    const { nftables } = JSON.parse(run(null, 'nft', ['-j', 'list', 'table', 'inet', table]));
    const rules = nftables.flatMap((entry: { rule?: { comment?: string } }) => entry.rule ?? []);
    expect(rules.length).toBeGreaterThan(15);
    for (const rule of rules) expect(rule.comment).toBeTruthy();
  });
});

describe('elements', () => {
  it('elements are shown by nft, for every kind of set', () => {
    const faults = change(
      add(published(8080)),
      add(
        element('published_host6', [...proto('tcp'), ...ip6('fd00:0:0:0:0:0:0:1'), ...port(443)], {
          data: [...ip6('fd00:1:0:0:0:0:0:2'), ...port(8443)],
        }),
      ),
      add(
        element('published_range4', [...proto('udp'), ...ip4('0.0.0.0'), ...port(6000)], {
          keyEnd: [...proto('udp'), ...ip4('255.255.255.255'), ...port(6100)],
          data: ip4('10.1.0.2'),
        }),
      ),
      add(element('subnets4', ip4('10.1.0.0'))),
      add(element('subnets4', ip4('10.1.1.0'), { intervalEnd: true })),
      add(
        element('same_network4', [...ip4('10.1.0.0'), ...ip4('10.1.0.0')], {
          keyEnd: [...ip4('10.1.0.255'), ...ip4('10.1.0.255')],
        }),
      ),
      add(element('internal_links', ifname('br-internal0'))),
    );
    expect(faults.every((fault) => fault === null)).toBe(true);
    expect(shownMap('published_any4')).toBe('6 . 8080 comment "container 8080" : 10.1.0.2 . 80');
    expect(shownMap('published_host6')).toBe('6 . fd00::1 . 443 : fd00:1::2 . 8443');
    expect(shownMap('published_range4')).toBe('17 . 0.0.0.0/0 . 6000-6100 : 10.1.0.2');
    expect(shown('subnets4')).toBe('10.1.0.0/24');
    expect(shown('same_network4')).toBe('10.1.0.0/24 . 10.1.0.0/24');
    expect(shown('internal_links')).toBe('"br-internal0"');
  });

  it('elements are listed as they were added', () => {
    const range = element('published_range4', [...proto('udp'), ...ip4('0.0.0.0'), ...port(6000)], {
      keyEnd: [...proto('udp'), ...ip4('255.255.255.255'), ...port(6100)],
      data: ip4('10.1.0.2'),
      comment: 'a range',
    });
    change(add(published(8080)), add(published(8081)), add(range));
    expect(listElements(socket, table, 'published_any4')).toEqual(
      expect.arrayContaining([published(8080), published(8081)].map(listed)),
    );
    expect(listElements(socket, table, 'published_range4')).toEqual([listed(range)]);
  });

  it('elements are found one by one, by all their fields', () => {
    const range = (first: number, last: number, address = '10.1.0.2') =>
      element('published_range4', [...proto('udp'), ...ip4('0.0.0.0'), ...port(first)], {
        keyEnd: [...proto('udp'), ...ip4('255.255.255.255'), ...port(last)],
        data: ip4(address),
      });
    const subnet = (first: string, next: string) => [
      element('subnets4', ip4(first)),
      element('subnets4', ip4(next), { intervalEnd: true }),
    ];
    const there = [
      published(8080),
      range(6000, 6100),
      ...subnet('10.1.0.0', '10.1.1.0'),
      element('internal_links', ifname('br-internal0')),
    ];
    const strange = [
      published(8081),
      published(8080, '10.1.0.3'),
      range(6000, 6099),
      range(6000, 6100, '10.1.0.3'),
      ...subnet('10.1.0.128', '10.1.2.0'),
      element('internal_links', ifname('br-internal1')),
      element('no_such_set', ip4('10.1.0.0')),
    ];
    change(...there.map(add));
    expect(hasElements(socket, table, there)).toEqual(there.map(() => true));
    expect(hasElements(socket, table, strange)).toEqual(strange.map(() => false));
    expect(hasElements(socket, 'no_such_table', [published(8080)])).toEqual([false]);
  });

  it('elements may be added again when they are the same', () => {
    change(add(published(8080)), add(element('subnets4', ip4('10.1.0.0'))));
    change(add(element('subnets4', ip4('10.1.1.0'), { intervalEnd: true })));
    expect(
      change(
        add(published(8080)),
        add(element('subnets4', ip4('10.1.0.0'))),
        add(element('subnets4', ip4('10.1.1.0'), { intervalEnd: true })),
      ),
    ).toEqual([null, null, null]);
    expect(listElements(socket, table, 'published_any4')).toHaveLength(1);
  });

  it('elements are refused, all of them, when one exists with other data', () => {
    change(add(published(8080)));
    const faults = change(add(published(8079)), add(published(8080, '10.1.0.99')), add(published(8081)));
    expect(faults).toEqual([null, { op: 'add element', errno: 'EEXIST', detail: null }, null]);
    expect(listElements(socket, table, 'published_any4')).toEqual([listed(published(8080))]);
  });

  it('elements are refused when they are to be created and exist, even with the same data', () => {
    expect(change(create(published(8080)))).toEqual([null]);
    expect(change(create(published(8079)), create(published(8080)))).toEqual([
      null,
      { op: 'create element', errno: 'EEXIST', detail: null },
    ]);
    expect(listElements(socket, table, 'published_any4')).toEqual([listed(published(8080))]);
  });

  it('elements are changed in the order of the batch, for all verbs', () => {
    change(add(published(8080)));
    const [old, now] = [published(8080), published(8080, '10.1.0.7')];
    expect(change(remove(old), create(now), remove(now), create(old), remove(old), create(now))).toEqual(
      Array(6).fill(null),
    );
    expect(listElements(socket, table, 'published_any4')).toEqual([listed(now)]);
    expect(change(create(published(8081)), remove(published(8081)), remove(published(8081)))[2]?.errno).toBe('ENOENT');
    expect(change(create(published(8082)), create(published(8082)))[1]?.errno).toBe('EEXIST');
    expect(listElements(socket, table, 'published_any4')).toEqual([listed(now)]);
  });

  it('elements are deleted, all or none: a missing one is ENOENT under its own index', () => {
    change(add(published(8080)), add(published(8081)));
    const faults = change(remove(published(8080)), remove(published(8081)), remove(published(9999)));
    expect(faults).toEqual([null, null, { op: 'delete element', errno: 'ENOENT', detail: null }]);
    expect(listElements(socket, table, 'published_any4')).toHaveLength(2);
    expect(change(remove(published(8080)), remove(published(8081)))).toEqual([null, null]);
    expect(listElements(socket, table, 'published_any4')).toEqual([]);
  });

  it('elements of plain intervals are added and deleted with their end', () => {
    const subnet = (first: string, next: string) => [
      element('subnets4', ip4(first)),
      element('subnets4', ip4(next), { intervalEnd: true }),
    ];
    const [one, two] = [subnet('10.1.0.0', '10.1.1.0'), subnet('10.1.1.0', '10.1.2.0')];
    expect(change(...one.map(add), ...two.map(add))).toEqual([null, null, null, null]);
    expect(shown('subnets4')).toBe('10.1.0.0/24, 10.1.1.0/24');
    expect(change(...one.map(remove))).toEqual([null, null]);
    expect(shown('subnets4')).toBe('10.1.1.0/24');
  });

  it('elements may be replaced in one batch', () => {
    change(add(published(8080)));
    expect(change(remove(published(8080)), add(published(8080, '10.1.0.7')))).toEqual([null, null]);
    expect(shownMap('published_any4')).toContain('10.1.0.7');
  });

  it('elements are changed by tens of thousands in one batch, with every refusal reported', () => {
    const many = (set: string, count: number) =>
      Array.from({ length: count }, (_, i) =>
        element(set, [...proto(i < 65536 ? 'tcp' : 'udp'), ...port(i & 65535)], {
          data: [...ip4('10.1.0.2'), ...port(80)],
        }),
      );
    const all = many('published_any4', 70_000);
    expect(change(...all.map(add)).filter((fault) => fault !== null)).toEqual([]);
    expect(listElements(socket, table, 'published_any4')).toHaveLength(70_000);
    expect(change(...all.map(remove)).filter((fault) => fault !== null)).toEqual([]);
    const refused = change(...all.map(remove));
    expect(refused.filter((fault) => fault?.errno === 'ENOENT')).toHaveLength(70_000);
    expect(change(add(published(8080)))).toEqual([null]);
  }, 30_000);

  it('elements of a missing set or table are ENOENT', () => {
    expect(change(add({ ...published(1), set: 'nothing' }))[0]).toMatchObject({ errno: 'ENOENT' });
    expect(changeElements(socket, 'nothing', [add(published(1))])[0]).toMatchObject({ errno: 'ENOENT' });
    expect(faultOf(() => listElements(socket, table, 'nothing'))).toMatchObject({
      op: 'list elements',
      errno: 'ENOENT',
    });
    expect(faultOf(() => listElements(socket, 'nothing', 'nothing'))).toMatchObject({ errno: 'ENOENT' });
  });

  it('elements need no batch when the list is empty', () => expect(change()).toEqual([]));
});

describe('counters', () => {
  const ruleset = `
    table inet counted {
      set ports { type inet_service; counter; }
      map targets { type inet_proto . inet_service : ipv4_addr . inet_service; counter; }
      map ranges { type inet_proto . ipv4_addr . inet_service : ipv4_addr; flags interval; counter; }
      set limits { type inet_service; limit rate 1000/second counter; }
      chain output {
        type filter hook output priority filter;
        udp dport @ports
        udp dport @limits
      }
      chain translation {
        type nat hook output priority -100;
        meta nfproto ipv4 dnat ip to meta l4proto . th dport map @targets
      }
    }`;
  const udpPort = (set: string, number: number) => element(set, port(number).slice(0, 2)); // not a concatenation: not padded
  const counters = (set: string) =>
    Object.fromEntries(
      listElements(socket, 'counted', set).map(({ key, counter }) => [Buffer.from(key).readUInt16BE(), counter]),
    );
  const send = (number: number, times: number) =>
    run(null, 'bash', ['-c', `for i in $(seq ${times}); do printf 1234 > /dev/udp/127.0.0.1/${number}; done`]);
  beforeEach(() => loadRuleset(ruleset));
  afterEach(() => deleteTable(socket, 'counted'));
  const changeCounted = (...changes: NftChange[]) => changeElements(socket, 'counted', changes);

  it('counters are given to every new element of a counting set, each its own', () => {
    expect(changeCounted(...[5001, 5002].map((number) => create(udpPort('ports', number))))).toEqual([null, null]);
    send(5001, 3);
    expect(counters('ports')).toEqual({ 5001: { packets: 3, bytes: 3 * 32 }, 5002: { packets: 0, bytes: 0 } });
    // an existing element keeps its count, a new one begins at zero
    changeCounted(add(udpPort('ports', 5001)), add(udpPort('ports', 5003)));
    expect(counters('ports')).toMatchObject({ 5001: { packets: 3 }, 5003: { packets: 0 } });
    changeCounted(remove(udpPort('ports', 5001)), create(udpPort('ports', 5001)));
    expect(counters('ports')).toMatchObject({ 5001: { packets: 0, bytes: 0 } });
  });

  it('counters are found among several expressions of an element', () => {
    changeCounted(create(udpPort('limits', 5004)));
    send(5004, 2);
    expect(counters('limits')).toEqual({ 5004: { packets: 2, bytes: 2 * 32 } });
  });

  it('counters of maps count connections where they translate', () => {
    const data = [...ip4('127.0.0.1'), ...port(6001)];
    changeCounted(create(element('targets', [...proto('udp'), ...port(6000)], { data, comment: 'container a' })));
    send(6000, 2);
    const [found] = listElements(socket, 'counted', 'targets');
    expect(found).toMatchObject({ comment: 'container a', counter: { packets: 2, bytes: 2 * 32 } });
  });

  it('counters are given to ranges, but not to the ends of plain intervals', () => {
    const range = element('ranges', [...proto('udp'), ...ip4('0.0.0.0'), ...port(6000)], {
      keyEnd: [...proto('udp'), ...ip4('255.255.255.255'), ...port(6100)],
      data: ip4('10.1.0.2'),
    });
    changeCounted(create(range));
    expect(listElements(socket, 'counted', 'ranges')).toEqual([{ ...range, counter: { packets: 0, bytes: 0 } }]);
    run(null, 'nft', ['add set inet counted subnets { type ipv4_addr; flags interval; counter; }']);
    const [first, end] = [ip4('10.1.0.0'), ip4('10.1.1.0')];
    changeCounted(create(element('subnets', first)), create(element('subnets', end, { intervalEnd: true })));
    const found = listElements(socket, 'counted', 'subnets');
    expect(found.find(({ intervalEnd }) => !intervalEnd)?.counter).toEqual({ packets: 0, bytes: 0 });
    expect(found.find(({ intervalEnd }) => intervalEnd)?.counter).toBeNull();
  });
});

describe('tables', () => {
  it('tables are inspected: chains with the number of their rules, and sets', () => {
    const { nftables } = JSON.parse(run(null, 'nft', ['-j', 'list', 'table', 'inet', table]));
    // biome-ignore lint/suspicious/noExplicitAny: the output of nft is asserted on, not typed
    const shownOf = (kind: string): any[] => nftables.flatMap((entry: any) => entry[kind] ?? []);
    const found = inspectTable(socket, table);
    const chains = shownOf('chain').map(({ name }) => ({
      name,
      rules: shownOf('rule').filter(({ chain }) => chain === name).length,
    }));
    expect(found?.chains).toHaveLength(chains.length);
    expect(found?.chains).toEqual(expect.arrayContaining(chains));
    expect([...(found?.sets ?? [])].sort()).toEqual(
      [...shownOf('set'), ...shownOf('map')].map(({ name }) => name).sort(),
    );
  });

  it('tables are inspected beside foreign ones, and again after something was deleted', () => {
    run(null, 'nft', ['add table inet beside; add chain inet beside other']);
    expect(inspectTable(socket, 'beside')).toEqual({ chains: [{ name: 'other', rules: 0 }], sets: [] });
    expect(inspectTable(socket, table)?.chains).not.toContainEqual({ name: 'other', rules: 0 });
    run(null, 'nft', ['delete table inet beside; flush chain inet netloom published']);
    expect(inspectTable(socket, 'beside')).toBeNull();
    expect(inspectTable(socket, table)?.chains).toContainEqual({ name: 'published', rules: 0 });
    run(null, 'nft', ['flush ruleset']);
    expect(inspectTable(socket, table)).toBeNull();
  });

  it('tables are deleted, with a result that shows whether they existed', () => {
    expect(deleteTable(socket, table)).toBe(true);
    expect(listTables(socket)).toEqual([]);
    expect(deleteTable(socket, table)).toBe(false);
  });

  it('tables of other families are foreign', () => {
    run(null, 'nft', ['add', 'table', 'ip', 'other']);
    expect(listTables(socket)).toEqual([table]);
    run(null, 'nft', ['delete', 'table', 'ip', 'other']);
  });
});
