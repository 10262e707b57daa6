import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type NftFamily, nftFamilies, nftTable } from '../../core/firewall/nft.ts';

const file = readFileSync(createRequire(import.meta.url).resolve('#native/base.nft'), 'utf8');

/** Name of an empty set in each table, which identifies the loaded ruleset. */
export const rulesetMark = `ruleset_${createHash('sha256').update(file).digest('hex').slice(0, 12)}`;
const marks = nftFamilies.map((family) => `add set ${family} ${nftTable} ${rulesetMark} { type mark; }\n`).join('');

/** The whole ruleset for new tables: existing elements are lost. */
export const freshRuleset = `${file}\n${marks}`;

/**
 * Returns the same ruleset for existing tables, complete ones or of another version: their rules are replaced in one transaction, and sets
 * that both have keep their elements, so published ports work meanwhile. nft refuses it if a set or a chain has another type.
 */
export function repairedRuleset(found: Readonly<Record<NftFamily, TableShape | null>>): string {
  return freshRuleset.replaceAll(/^delete table (inet|bridge) \w+$/gm, (line, family: NftFamily) =>
    [line.replace('delete', 'flush'), ...obsolete(family, found[family])].join('\n'),
  );
}

/** Returns lines that delete what this version's table does not have. Nothing refers to it once the table has no rules. */
function obsolete(family: NftFamily, found: TableShape | null): string[] {
  const wanted = baseShapes[family];
  const chains = new Set(wanted.chains.map(({ name }) => name));
  const sets = new Set([...wanted.sets, rulesetMark]);
  const names = [
    ...(found?.chains ?? [])
      .filter(({ name }) => !chains.has(name))
      .map(({ name }) => `chain ${family} ${nftTable} ${name}`),
    ...(found?.sets ?? []).filter((name) => !sets.has(name)).map((name) => `set ${family} ${nftTable} ${name}`),
  ];
  return names.map((name) => `delete ${name}`);
}

/** Structure of a table: chains by name with the number of their rules, and the names of its sets. */
export interface TableShape {
  chains: { name: string; rules: number }[];
  sets: string[];
}

/** Shapes from the file: one rule a line, in chains. */
export const baseShapes: Record<NftFamily, TableShape> = shapesOf(file);

/** Checks whether a table of the base ruleset is complete; foreign additions do not matter, except an extra rule in its chains. */
export function isComplete(family: NftFamily, found: TableShape): boolean {
  const wanted = baseShapes[family];
  const rules = new Map(found.chains.map((chain) => [chain.name, chain.rules]));
  const sets = new Set(found.sets);
  return (
    sets.has(rulesetMark) &&
    wanted.sets.every((name) => sets.has(name)) &&
    wanted.chains.every((chain) => rules.get(chain.name) === chain.rules)
  );
}

function shapesOf(text: string): Record<NftFamily, TableShape> {
  const shapes = { inet: { chains: [], sets: [] }, bridge: { chains: [], sets: [] } } as Record<NftFamily, TableShape>;
  let shape = shapes.inet;
  let chain: TableShape['chains'][number] | null = null;
  for (const line of text.split('\n').map((each) => each.trim())) {
    const [, table] = /^table (inet|bridge) \w+ \{$/.exec(line) ?? [];
    if (table) shape = shapes[table as NftFamily];
    const [, kind, name = ''] = /^(chain|set|map) (\w+) \{$/.exec(line) ?? [];
    if (kind === 'chain') {
      chain = { name, rules: 0 };
      shape.chains.push(chain);
    } else if (kind) shape.sets.push(name);
    else if (line === '}') chain = null;
    else if (chain && line !== '' && !/^(#|type )/.test(line)) chain.rules += 1;
  }
  return shapes;
}
