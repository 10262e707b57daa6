import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, Lab } from '../support/lab.ts';

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.open();
});
afterEach(() => lab.clear());
afterAll(() => lab.close());

const id = 'abcdef'.padEnd(64, '0');

describe('containers are found', () => {
  it('containers are found by ID, name, and the unique beginning of an ID of digits, in every command', async () => {
    const { container, network } = lab.client;
    await network.create({ name: 'web' });
    await container.setup({ id, name: 'my.app', networks: [{ network: 'web' }] });
    for (const reference of [id, 'my.app', 'abcdef']) {
      expect((await container.inspect({ id: reference })).container.id).toBe(id);
      expect((await container.stats({ id: reference })).id).toBe(id);
      expect(await container.reload({ id: reference })).toMatchObject({ id });
      expect(await container.publish({ id: reference, ports: [{ containerPort: 80 }] })).toMatchObject({ id });
      expect(await container.teardown({ id: reference })).toMatchObject({ id });
      expect(await container.setup({ id })).toMatchObject({ id });
    }
  });

  it('containers are found by their full IDs first, and a new ID is not searched for', async () => {
    const { container } = lab.client;
    await container.create({ id: 'one', name: 'two' });
    await container.create({ id: 'two', name: 'one' });
    expect((await container.inspect({ id: 'two' })).container.id).toBe('two');
    await container.create({ id, name: 'three' });
    await container.create({ id: 'three' });
    await container.create({ id: 'abcd' });
    expect((await container.list()).containers.map((each) => each.id).sort()).toEqual(
      ['abcd', id, 'one', 'three', 'two'].sort(),
    );
  });

  it('containers are found by full ID only when the caller asks for that', async () => {
    const { container } = lab.client;
    await container.create({ id, name: 'web' });
    for (const reference of ['web', 'abcdef']) {
      expect(await codeOf(container.remove({ id: reference, exact: true }))).toBe('container.unknown');
      expect(await codeOf(container.inspect({ id: reference, exact: true }))).toBe('container.unknown');
    }
    expect(await container.remove({ id, exact: true })).toEqual({ id });
  });

  it('containers are found by a prefix only when it is unique', async () => {
    const { container } = lab.client;
    await container.create({ id, name: 'twin' });
    await container.create({ id: 'abcdef'.padEnd(64, '1'), name: 'twin' });
    for (const reference of ['twin', 'abcdef'])
      expect(await codeOf(container.remove({ id: reference }))).toBe('container.ambiguous');
  });

  it('a repeated command gets its first reply, though the name of its container is gone', async () => {
    const { container } = lab.client;
    await container.create({ id, name: 'my.app' });
    const again = { msgId: 'removal-by-name' };
    expect(await container.remove({ id: 'my.app' }, again)).toEqual({ id });
    await container.create({ id: 'other', name: 'my.app' });
    expect(await container.remove({ id: 'my.app' }, again)).toEqual({ id });
    expect((await container.inspect({ id: 'my.app' })).container.id).toBe('other');
    await container.create({ id: 'third', name: 'my.app' });
    expect(await container.remove({ id: 'my.app' }, again)).toEqual({ id });
    expect(await codeOf(container.remove({ id: 'my.app' }))).toBe('container.ambiguous');
  });

  it('B04 containers are found also as the owner of a namespace to share', async () => {
    const { container } = lab.client;
    const { netns } = await container.setup({ id, name: 'web' });
    expect(await container.setup({ id: 'beside', mode: 'container:web' })).toMatchObject({ netns });
    expect((await container.inspect({ id: 'beside' })).container.mode).toBe(`container:${id}`);
    await lab.remove('beside');
  });
});
