import { describe, expect, it } from 'vitest';
import { containerRequest, parseAttachment } from '../../src/cli/container-options.ts';
import { readWish } from '../../src/cli/wish-options.ts';

const refused = (code: string, message: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(message) });

describe('a request', () => {
  it('has nothing in it that was not said, so that the wish that is kept counts', () => {
    expect(containerRequest({ id: 'web' })).toEqual({ id: 'web' });
  });

  it('takes the name for the id where it can be one', () => {
    expect(containerRequest({ name: 'web' })).toEqual({ id: 'web', name: 'web' });
  });

  it('gets a random id when the name cannot be one', () => {
    const request = containerRequest({ name: 'my web.server' });
    expect(request.id).toMatch(/^[0-9a-f]{12}$/);
    expect(containerRequest({}).id).not.toBe(containerRequest({}).id);
  });

  it('gives --ip, --mac, --interface and --alias to its one network', () => {
    const options = {
      id: 'web',
      network: [{ network: 'demo' }],
      ip: ['10.89.0.5', 'fd00::5'],
      mac: '02:00:00:00:00:05',
      interface: 'web0',
      alias: ['www'],
    };
    expect(containerRequest(options).networks).toEqual([
      {
        network: 'demo',
        staticIps: ['10.89.0.5', 'fd00::5'],
        staticMac: '02:00:00:00:00:05',
        interfaceName: 'web0',
        aliases: ['www'],
      },
    ]);
  });

  it('refuses --ip without a network, and with several', () => {
    const networks = [{ network: 'one' }, { network: 'two' }];
    expect(() => containerRequest({ id: 'web', ip: ['10.89.0.5'] })).toThrow(refused('payload.invalid', '--ip'));
    expect(() => containerRequest({ id: 'web', ip: ['10.89.0.5'], network: networks })).toThrow(
      refused('payload.invalid', 'one of the networks'),
    );
  });
});

describe('--network', () => {
  it('takes settings as podman spells them', () => {
    expect(parseAttachment('demo')).toEqual({ network: 'demo' });
    expect(parseAttachment('demo:ip=10.89.0.5,ip=fd00::5,mac=02:00:00:00:00:05,interface_name=web0,alias=www')).toEqual(
      {
        network: 'demo',
        staticIps: ['10.89.0.5', 'fd00::5'],
        staticMac: '02:00:00:00:00:05',
        interfaceName: 'web0',
        aliases: ['www'],
      },
    );
  });

  it.each(['demo:', 'demo:ip', 'demo:ip=', 'demo:speed=9', 'demo:ip=10.0.0.1,'])('refuses %s', (text) =>
    expect(() => parseAttachment(text)).toThrow(refused('payload.invalid', 'is not understood')),
  );

  it.each(['', 'de.mo', 'demo*', ':ip=10.0.0.1'])('refuses the name in %j', (text) =>
    expect(() => parseAttachment(text)).toThrow(refused('name.invalid', '--network')),
  );
});

describe('--file', () => {
  it('says when there is none', async () => {
    await expect(readWish('web', { file: '/nowhere/wish.json' })).rejects.toEqual(
      refused('payload.invalid', '/nowhere/wish.json'),
    );
  });
});
