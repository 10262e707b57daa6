import { describe, expect, it } from 'vitest';
import { EndWith, exitCodeOf, faultText, reportFailure } from '../../src/cli/failure.ts';
import { type FaultCode, fault, faultStatus, NetloomError } from '../../src/core/fault.ts';

const codes = Object.keys(faultStatus) as FaultCode[];

function reported(error: unknown, asJson = false): { exitCode: number; printed: string } {
  const lines: string[] = [];
  const terminal = { print: () => undefined, warn: (text: string) => void lines.push(text), colored: false };
  return { exitCode: reportFailure(terminal, error, asJson), printed: lines.join('\n') };
}

describe('the exit code', () => {
  it.each(codes.map((code) => [code, faultStatus[code]] as const))(
    'the exit code of %s follows from its kind',
    (code, status) => {
      const unreachable = code.startsWith('bus.') || status === 503 || code === 'command.timeout';
      const expected = unreachable ? 4 : status === 400 ? 2 : status === 404 ? 3 : 1;
      expect(exitCodeOf(fault(code, ''))).toBe(expected);
    },
  );

  it.each(['dhcp.timeout', 'dhcp.refused', 'dhcp.expired'] as const)(
    'C13 the exit code of %s is 1: the daemon was reached, and the DHCP server is not the bus',
    (code) => expect(exitCodeOf(fault(code, ''))).toBe(1),
  );

  it('the exit code of an ended command is passed on', () => {
    expect(reported(new EndWith(137))).toEqual({ exitCode: 137, printed: '' });
    const complaint = { code: 'command.missing', message: 'nosuch: command not found' } as const;
    expect(reported(new EndWith(127, complaint))).toEqual({
      exitCode: 127,
      printed: 'netloom: command.missing: nosuch: command not found',
    });
    expect(JSON.parse(reported(new EndWith(127, complaint), true).printed)).toEqual(complaint);
  });

  it('the exit code of an unexpected error is 1', () => {
    expect(reported(new Error('oh'))).toEqual({ exitCode: 1, printed: 'netloom: internal.unexpected: oh' });
  });
});

describe('a long value', () => {
  const long = 'x'.repeat(70_000);
  const messageOf = (text: string) => (JSON.parse(text) as { message: string }).message;

  it('P12 a long value is cut in a message, and the reason after it stays', () => {
    const message = `--run-dir /${long}: /${long} is not a directory`;
    const cut = `/${'x'.repeat(299)}…`;
    const expected = `--run-dir ${cut} ${cut} is not a directory`;
    for (const error of [
      new NetloomError(fault('payload.invalid', message)),
      new EndWith(2, { code: 'usage', message }),
      new Error(message),
    ]) {
      expect(reported(error).printed.replace(/^netloom: [a-z.]+: /, '')).toBe(expected);
      expect(messageOf(reported(error, true).printed)).toBe(expected);
    }
  });

  it('P12 a long value with spaces is cut in the middle', () => {
    const message = `--node "${'a '.repeat(35_000)}": expected 1 to 64 characters`;
    const { printed } = reported(new NetloomError(fault('name.invalid', message)));
    expect(printed.length).toBeLessThan(2_000);
    expect(printed).toMatch(/^netloom: name\.invalid: --node "a a .* … .*": expected 1 to 64 characters$/);
  });

  it('P12 a long value is cut between characters', () => {
    const { printed } = reported(new EndWith(2, { code: 'usage', message: `a${'\u{1f600}'.repeat(1_000)}` }));
    expect(printed).toBe(`netloom: usage: a${'\u{1f600}'.repeat(299)}…`);
  });

  it('P02 a long value is cut only after its password is hidden', () => {
    const message = `no server at nats://user:secret${'y'.repeat(400)}@host/${long}`;
    expect(reported(new Error(message)).printed).toMatch(/nats:\/\/\*\*\*@host\/x+…$/);
  });

  it('P12 a value in a message of usual length stays complete', () => {
    const message = `${'x'.repeat(300)} ${'a '.repeat(800)}`;
    expect(reported(new EndWith(2, { code: 'usage', message })).printed).toBe(`netloom: usage: ${message}`);
  });
});

describe('the text of a failure', () => {
  const failed = fault('kernel.refused', 'link.veth nl1: EPERM', {
    step: 'link.veth nl1',
    errno: 'EPERM',
    detail: 'not permitted here',
    undone: ['netns.create /run/netns/netloom-web'],
    leftBehind: [{ step: 'link.bridge netloom0', errno: 'EBUSY', detail: null }],
  });

  it('the text of a failure names the step, what was undone and what was left behind', () => {
    expect(faultText(failed).split('\n')).toEqual([
      'netloom: kernel.refused: link.veth nl1: EPERM',
      '  step: link.veth nl1',
      '  errno: EPERM',
      '  detail: not permitted here',
      '  undone: netns.create /run/netns/netloom-web',
      '  left behind: link.bridge netloom0 (EBUSY)',
    ]);
  });

  it.each([
    fault('address.invalid', 'MAC address "ff:00:00:00:00:01" must be unicast', { detail: 'networks[0].staticMac' }),
    fault('port.unavailable', 'host port 8081/tcp: this host has no address 1.2.3.4', {
      step: 'port.hold 1.2.3.4 port 8081/tcp',
      errno: 'EADDRNOTAVAIL',
      detail: '1.2.3.4 port 8081',
    }),
  ])('P12 a failure that is one sentence does not repeat the words of the API: $code', (refused) => {
    expect(faultText(refused)).toBe(`netloom: ${refused.code}: ${refused.message}`);
    const raw = { ...refused, errno: 'EPERM', message: 'port.hold: EPERM' };
    expect(faultText(raw)).toContain('  errno: EPERM');
  });

  it('the text of a taken port explains how to find the process', () => {
    const taken = fault('port.taken', 'host port 8000-8009/udp is in use: fd00::9 port 8004', {
      errno: 'EADDRINUSE',
      port: { protocol: 'udp', port: 8004 },
    });
    expect(faultText(taken).split('\n').at(-1)).toBe(`  to find its process: sudo ss -lnp --udp 'sport = :8004'`);
  });

  it('the text of a port that the resolver has names no other program', () => {
    const detail = 'port 53 of 10.89.0.1 is where the resolver is asked';
    const taken = fault('port.taken', `host port 53/udp is in use: ${detail}`, { errno: 'EADDRINUSE', detail });
    expect(faultText(taken)).not.toContain('to find its process');
  });

  it('a failure with --json is one line', () => {
    const { printed } = reported(new NetloomError(failed), true);
    expect(printed).not.toContain('\n');
    expect(JSON.parse(printed)).toEqual(failed);
  });
});
