import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { containerMachine } from '../../machines/container/chart.ts';
import { cli } from './netloom.ts';

const root = new URL('../../', import.meta.url);
const readme = readFileSync(new URL('README.md', root), 'utf8');

/** `[from, to]` of every arrow in the picture; null where a life begins or ends. */
const arrows = [...readme.matchAll(/^ {4}(\S+) --> ([^:\s]+)/gm)].map(([, from, to]) => [from, to] as [string, string]);

interface StateNode {
  key: string;
  states: Record<string, StateNode>;
  transitions: Map<string, { target?: StateNode[] | null | undefined }[]>;
  always?: { target?: StateNode[] | null | undefined }[];
  parent?: StateNode;
}

/** The edges of the machine: every state without substates, and its successors. */
function edgesOf(root: StateNode): Set<string> {
  const edges = new Set<string>();
  const firstLeaf = (node: StateNode): StateNode => {
    const [first] = Object.values(node.states);
    return first ? firstLeaf(first) : node;
  };
  const walk = (node: StateNode, inherited: StateNode[]) => {
    const own = [...node.transitions.values(), node.always ?? []].flat().flatMap(({ target }) => target ?? []);
    const targets = [...inherited, ...own];
    const children = Object.values(node.states);
    if (children.length === 0) for (const target of targets) edges.add(`${node.key} ${firstLeaf(target).key}`);
    for (const child of children) walk(child, node.parent ? targets : []);
  };
  walk(root, []);
  return edges;
}

describe("the README's picture", () => {
  const edges = edgesOf(containerMachine.root as unknown as StateNode);

  it("the README's picture has more than a few arrows", () => expect(arrows.length).toBeGreaterThan(15));

  it.each(arrows.filter(([, to]) => to !== '[*]'))(
    "the README's picture leads from %s to %s as the machine does",
    (from, to) => expect(edges).toContain(`${from === '[*]' ? 'absent' : from} ${to}`),
  );

  it("the README's picture has every state of the machine", () => {
    const states = new Set([...edges].flatMap((edge) => edge.split(' ')));
    const drawn = new Set(arrows.flat());
    expect([...states].filter((state) => state !== 'absent' && !drawn.has(state))).toEqual([]);
  });
});

describe('the README', () => {
  it.each([...new Set([...readme.matchAll(/\]\(((?:docs|CHANGELOG)[^)]*)\)/g)].map(([, path]) => path as string))])(
    'the README links to %s, which exists',
    (path) => expect(existsSync(new URL(path, root))).toBe(true),
  );

  it.each([
    ...new Set(
      [...readme.matchAll(/netloom (run|daemon|ps|events|network|container|plan|reachability|node|doctor|gc)/g)].map(
        ([, command]) => command as string,
      ),
    ),
  ])('the README mentions netloom %s, which exists', async (command) =>
    expect((await cli(command, '--help')).exitCode).toBe(0),
  );
});
