import { ContentError } from '../../core/content-error.ts';
import { functions, isTrue, textOf } from './functions.ts';
import type { Command, Node, Operand, Pipeline } from './parse.ts';

/** Renders a template with a value. Throws a ContentError with the reason. */

class Scope {
  readonly #variables = new Map<string, unknown>();

  constructor(private readonly outer: Scope | null) {}

  declare(name: string, value: unknown): void {
    this.#variables.set(name, value);
  }

  assign(name: string, value: unknown): void {
    if (this.#variables.has(name)) this.#variables.set(name, value);
    else if (this.outer) this.outer.assign(name, value);
    else throw new ContentError(`there is no variable ${name}`);
  }

  value(name: string): unknown {
    if (this.#variables.has(name)) return this.#variables.get(name);
    if (this.outer) return this.outer.value(name);
    throw new ContentError(`there is no variable ${name}`);
  }
}

/** Leaves the innermost range, or its current iteration. */
class Leave extends ContentError {
  constructor(
    readonly kind: 'break' | 'continue',
    readonly said: string,
  ) {
    super(`{{${kind}}} outside of {{range}}`);
  }
}

export function render(nodes: readonly Node[], value: unknown): string {
  const scope = new Scope(null);
  scope.declare('$', value);
  return renderAll(nodes, value, scope);
}

function renderAll(nodes: readonly Node[], dot: unknown, scope: Scope): string {
  let text = '';
  for (const node of nodes) {
    try {
      text += renderNode(node, dot, scope);
    } catch (error) {
      throw error instanceof Leave ? new Leave(error.kind, text + error.said) : error;
    }
  }
  return text;
}

function renderNode(node: Node, dot: unknown, scope: Scope): string {
  switch (node.kind) {
    case 'text':
      return node.text;
    case 'print':
      return textOf(evaluate(node.pipeline, dot, scope));
    case 'assign':
      scope[node.declares ? 'declare' : 'assign'](node.name, evaluate(node.pipeline, dot, scope));
      return '';
    case 'if':
    case 'with': {
      const value = evaluate(node.pipeline, dot, scope);
      const inside = new Scope(scope);
      if (!isTrue(value)) return renderAll(node.otherwise, dot, inside);
      return renderAll(node.body, node.kind === 'with' ? value : dot, inside);
    }
    case 'range':
      return renderRange(node, dot, scope);
    default:
      throw new Leave(node.kind, '');
  }
}

function renderRange(node: Extract<Node, { kind: 'range' }>, dot: unknown, scope: Scope): string {
  const entries = entriesOf(evaluate(node.pipeline, dot, scope), node.pipeline);
  if (entries.length === 0) return renderAll(node.otherwise, dot, new Scope(scope));
  let text = '';
  for (const [key, value] of entries) {
    const inside = new Scope(scope);
    const [first, second] = node.names;
    if (second !== undefined) inside.declare(second, value);
    if (first !== undefined) inside.declare(first, second === undefined ? value : key);
    try {
      text += renderAll(node.body, value, inside);
    } catch (error) {
      if (!(error instanceof Leave)) throw error;
      text += error.said;
      if (error.kind === 'break') break;
    }
  }
  return text;
}

/** Returns the entries of a list or a map; for a number n, the numbers below n. */
function entriesOf(value: unknown, { commands }: Pipeline): [key: unknown, value: unknown][] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return [...value.entries()];
  if (typeof value === 'object') return Object.entries(value);
  if (typeof value === 'number') return Array.from({ length: Math.max(0, value) }, (_, index) => [index, index]);
  const [operand] = commands.at(-1)?.operands ?? [];
  const name = operand?.kind === 'path' ? `.${operand.fields.join('.')}` : textOf(value);
  throw new ContentError(`${name} cannot be iterated`);
}

function evaluate({ commands }: Pipeline, dot: unknown, scope: Scope): unknown {
  let piped: unknown[] = [];
  for (const command of commands) piped = [commandValue(command, piped, dot, scope)];
  return piped[0];
}

function commandValue({ call, operands }: Command, piped: unknown[], dot: unknown, scope: Scope): unknown {
  if (call === null) return operandValue(operands[0] as Operand, dot, scope);
  if (call === 'and' || call === 'or') return shortCut(call, operands, piped, dot, scope);
  const values = [...operands.map((operand) => operandValue(operand, dot, scope)), ...piped];
  if (values.length === 0) throw new ContentError(`${call} needs a value`);
  return functions.get(call)?.(...values);
}

/** Evaluates `and` or `or`, up to the operand that decides the result. */
function shortCut(call: 'and' | 'or', operands: Operand[], piped: unknown[], dot: unknown, scope: Scope): unknown {
  let value: unknown;
  for (const operand of operands) {
    value = operandValue(operand, dot, scope);
    if (isTrue(value) === (call === 'or')) return value;
  }
  return piped.length > 0 ? piped[0] : value;
}

function operandValue(operand: Operand, dot: unknown, scope: Scope): unknown {
  if (operand.kind === 'literal') return operand.value;
  const { of, fields } = operand;
  const value = of === 'dot' ? dot : 'variable' in of ? scope.value(of.variable) : evaluate(of, dot, scope);
  return fieldOf(value, fields, value === scope.value('$'));
}

/**
 * Finds a field. The root value must have it, because netloom defines its fields; deeper ones may be optional or users'
 * keys.
 */
function fieldOf(value: unknown, path: readonly string[], isWhole: boolean): unknown {
  let found = value;
  for (const [depth, name] of path.entries()) {
    if (typeof found !== 'object' || found === null) return undefined;
    const key = Object.hasOwn(found, name)
      ? name
      : Object.keys(found).find((other) => plainOf(other) === plainOf(name));
    if (key === undefined && depth === 0 && isWhole)
      throw new ContentError(`there is no field .${name}; known fields: ${knownFields(found)}`);
    found = key === undefined ? undefined : (found as Record<string, unknown>)[key];
  }
  return found;
}

/** Normalises a name: `NetworkInterface`, `network_interface` and `networkInterface` are equal. */
const plainOf = (name: string): string => name.replaceAll('_', '').toLowerCase();

/** Lists each field once: `id` and `ID` are one field, with podman's name. */
function knownFields(found: object): string {
  const named = new Map<string, string>();
  for (const key of Object.keys(found)) {
    const plain = plainOf(key);
    if (!named.has(plain) || /^[A-Z]/.test(key)) named.set(plain, key);
  }
  return [...named.values()].map(goName).join(', ');
}

function goName(key: string): string {
  return `.${key
    .split('_')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('')}`;
}
