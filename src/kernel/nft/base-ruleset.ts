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

/** The same ruleset for existing tables: their rules are replaced in one transaction, their sets keep their elements. */
export const repairedRuleset = freshRuleset.replaceAll(/^delete table /gm, 'flush table ');

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
