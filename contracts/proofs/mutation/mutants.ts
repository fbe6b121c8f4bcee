import { childrenOf, rangeOf, rewrite, type AstNode } from '../solidity-ast.ts';

/** One change of one place of the sources. */
export interface Mutant {
  /** From 1. */
  id: number;
  path: string;
  line: number;
  operator: string;
  /** The text that is changed, and what it becomes. */
  from: string;
  to: string;
}

/** A statement of a library nobody else has. */
const IS = 'MutantSwitch.is_';

const RELATIONAL: Record<string, string[]> = { '<': ['<=', '>='], '<=': ['<', '>'], '>': ['>=', '<='], '>=': ['>', '<'], '==': ['!='], '!=': ['=='] };
const ARITHMETIC: Record<string, string[]> = { '+': ['-'], '-': ['+'], '*': ['/'], '/': ['*'], '%': ['*'] };
const BITWISE: Record<string, string[]> = { '&': ['|'], '|': ['&'], '^': ['&'], '<<': ['>>'], '>>': ['<<'] };
const LOGICAL: Record<string, string[]> = { '&&': ['||'], '||': ['&&'] };
const BINARY: Record<string, { name: string; to: string[] }> = Object.fromEntries([
  ...Object.entries(RELATIONAL).map(([op, to]) => [op, { name: 'relational', to }]),
  ...Object.entries(ARITHMETIC).map(([op, to]) => [op, { name: 'arithmetic', to }]),
  ...Object.entries(BITWISE).map(([op, to]) => [op, { name: 'bitwise', to }]),
  ...Object.entries(LOGICAL).map(([op, to]) => [op, { name: 'logical', to }]),
]);
const ASSIGNMENT: Record<string, string> = { '+=': '-=', '-=': '+=', '*=': '/=', '|=': '&=', '&=': '|=', '<<=': '>>=', '>>=': '<<=' };
const YUL: Record<string, string> = { add: 'sub', sub: 'add', mul: 'add', shl: 'shr', shr: 'shl', lt: 'gt', gt: 'lt', and: 'or', or: 'and' };

/**
 * A program that is all mutants of its sources at once (mutant schemata: Untch, Offutt and Harrold 1993): wherever there is something to change,
 * a switch asks which mutant runs. So it is compiled once and not once a mutant, which with this compiler is half a minute each.
 */
export function schemataOf(sources: Record<string, { content: string }>, asts: Record<string, AstNode>, paths: readonly string[]): { sources: Record<string, string>; mutants: Mutant[] } {
  const mutants: Mutant[] = [];
  const constants = new Set<number>();
  for (const ast of Object.values(asts)) walk(ast, (node) => {
    if (node.nodeType === 'VariableDeclaration' && node.constant === true && /^uint\d+$/.test(typeOf(node))) constants.add(node.id as number);
  });
  const written = Object.fromEntries(paths.map((path) => {
    const writer = new Writer(path, sources[path]!.content, mutants, constants);
    const text = writer.render(asts[path]!);
    const up = '../'.repeat(path.split('/').length - 3);
    return [path, text.replace(/^(pragma [^\n]*\n)/m, `$1import {MutantSwitch} from "${up === '' ? './' : up}MutantSwitch.sol";\n`)];
  }));
  return { sources: { ...written, 'contracts/src/MutantSwitch.sol': SWITCH }, mutants };
}

/** Which mutant runs is told by the block's coinbase, which nothing else reads. Taken for pure, or pure functions could not ask. */
const SWITCH = `// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

library MutantSwitch {
    function is_(uint256 id) internal pure returns (bool) {
        return running() == id;
    }

    function running() internal pure returns (uint256) {
        return _asPure(_running)();
    }

    function _running() private view returns (uint256 id) {
        assembly {
            id := coinbase()
        }
    }

    function _asPure(function() internal view returns (uint256) f) private pure returns (function() internal pure returns (uint256) g) {
        assembly {
            g := f
        }
    }
}
`;

class Writer {
  readonly #path: string;
  readonly #text: Buffer;
  readonly #mutants: Mutant[];
  readonly #constants: ReadonlySet<number>;

  constructor(path: string, content: string, mutants: Mutant[], constants: ReadonlySet<number>) {
    [this.#path, this.#text, this.#mutants, this.#constants] = [path, Buffer.from(content), mutants, constants];
  }

  /** The node's text with every switch in it. */
  render(node: AstNode, parent?: AstNode): string {
    switch (node.nodeType) {
      // What is no running code, and what must be constant.
      case 'ImportDirective': case 'PragmaDirective': case 'StructDefinition': case 'EnumDefinition': case 'ErrorDefinition': case 'EventDefinition':
      case 'ElementaryTypeName': case 'UserDefinedTypeName': case 'ArrayTypeName': case 'Mapping': case 'UsingForDirective': case 'InheritanceSpecifier': return this.#original(node);
      case 'VariableDeclaration': return node.constant === true || node.value === undefined ? this.#original(node) : this.#inside(node);
      case 'BinaryOperation': return this.#binary(node, parent);
      case 'UnaryOperation': return this.#unary(node);
      case 'Literal': return this.#literal(node, parent);
      case 'MemberAccess': return this.#constants.has(node.referencedDeclaration as number) ? this.#identifier(node, parent) : this.#inside(node);
      case 'Identifier': return this.#identifier(node, parent);
      case 'IfStatement': return this.#condition(node, node.condition as AstNode);
      case 'Conditional': return this.#condition(node, node.condition as AstNode);
      case 'ExpressionStatement': case 'EmitStatement': case 'RevertStatement': case 'Continue': return this.#statement(node);
      case 'InlineAssembly': return this.#assembly(node);
      default: return this.#inside(node);
    }
  }

  #original(node: AstNode): string {
    const { start, end } = rangeOf(node);
    return this.#text.subarray(start, end).toString();
  }

  /** The node's text, its children rendered by `by`. */
  #inside(node: AstNode, by: (child: AstNode) => string = (child) => this.render(child, node)): string {
    return rewrite(this.#text, node, by);
  }

  #mutant(node: AstNode, operator: string, to: string): number {
    const { start } = rangeOf(node);
    const line = this.#text.subarray(0, start).toString().split('\n').length;
    const from = this.#original(node).replace(/\s+/g, ' ');
    this.#mutants.push({ id: this.#mutants.length + 1, path: this.#path, line, operator, from, to: to.replace(/\s+/g, ' ') });
    return this.#mutants.length;
  }

  /** An expression that is `text` unless one of the mutants runs. */
  #choose(node: AstNode, text: string, alternatives: readonly { operator: string; to: string }[]): string {
    const choices = alternatives.map(({ operator, to }) => `${IS}(${this.#mutant(node, operator, to)}) ? (${to}) : `).join('');
    return choices === '' ? text : `(${choices}(${text}))`;
  }

  #binary(node: AstNode, parent: AstNode | undefined): string {
    const operator = node.operator as string;
    const [left, right] = [node.leftExpression as AstNode, node.rightExpression as AstNode];
    if (isConstant(node) || parent?.nodeType === 'VariableDeclaration') return this.#original(node);
    const rule = BINARY[operator];
    const text = `${this.render(left, node)} ${operator} ${this.render(right, node)}`;
    if (rule === undefined) return text;
    return this.#choose(node, text, rule.to.map((to) => ({ operator: rule.name, to: `${this.#original(left)} ${to} ${this.#original(right)}` })));
  }

  #unary(node: AstNode): string {
    if (node.operator !== '!' && node.operator !== '~') return this.#inside(node);
    if (isConstant(node)) return this.#original(node);
    return this.#choose(node, this.#inside(node), [{ operator: 'negation', to: this.#original(node.subExpression as AstNode) }]);
  }

  #literal(node: AstNode, parent: AstNode | undefined): string {
    const text = this.#original(node);
    // The type of what is shifted, or raised to a power, is that of the result.
    const operand = parent?.nodeType === 'BinaryOperation' && parent.operator !== '**' && !(/<<|>>/.test(parent.operator as string) && parent.leftExpression === node);
    const other = operand ? (parent.leftExpression === node ? parent.rightExpression : parent.leftExpression) as AstNode : undefined;
    if (node.kind !== 'number' || !/^\d+$/.test(text) || other === undefined || isConstant(parent) || !/^u?int/.test(typeOf(other))) return text;
    return this.#choose(node, text, [{ operator: 'boundary', to: `${Number(text) + 1}` }]);
  }

  #identifier(node: AstNode, parent: AstNode | undefined): string {
    const text = this.#original(node);
    if (!this.#constants.has(node.referencedDeclaration as number) || parent?.nodeType === 'MemberAccess') return text;
    return this.#choose(node, text, [{ operator: 'constant', to: `${text} + 1` }]);
  }

  /** An `if` or a `?:` whose condition is forced both ways. */
  #condition(node: AstNode, condition: AstNode): string {
    return this.#inside(node, (child) => (child !== condition ? this.render(child, node) : this.#choose(child, this.render(child, node), [
      { operator: 'condition', to: 'true' }, { operator: 'condition', to: 'false' },
    ])));
  }

  /** A statement that may be left out, or whose assignment may be another. The semicolon after it is not part of it, so the text ends in a call of nothing. */
  #statement(node: AstNode): string {
    const text = this.#inside(node);
    const expression = node.expression as AstNode | undefined;
    if (this.#text[rangeOf(node).end] !== 0x3b) return text; // in the head of a `for`
    if (/ (storage|calldata)( pointer)?$/.test(typeOf(expression?.leftHandSide as AstNode | undefined))) return text; // must be assigned
    let kept = `${text};`;
    const other = expression?.nodeType === 'Assignment' ? ASSIGNMENT[expression.operator as string] : undefined;
    if (other !== undefined) {
      const to = `${this.#original(expression!.leftHandSide as AstNode)} ${other} ${this.#original(expression!.rightHandSide as AstNode)}`;
      kept = `if (${IS}(${this.#mutant(node, 'assignment', to)})) { ${to}; } else { ${kept} }`;
    }
    return `if (!${IS}(${this.#mutant(node, 'deletion', '')})) { ${kept} } else MutantSwitch.running()`;
  }

  /** Assembly cannot call the switch: the number of the mutant stands in a variable before it. */
  #assembly(node: AstNode): string {
    const before = this.#mutants.length;
    const yul = (child: AstNode): string => {
      const text = this.#inside(child, yul);
      if (child.nodeType === 'YulLiteral' && child.kind === 'number') {
        const original = this.#original(child);
        return original.startsWith('0x') ? text : `add(${text}, eq(${VARIABLE}, ${this.#mutant(child, 'boundary', `${Number(original) + 1}`)}))`;
      }
      if (child.nodeType !== 'YulFunctionCall') return text;
      const name = this.#original(child.functionName as AstNode);
      const other = YUL[name];
      if (other === undefined) return text;
      const to = this.#original(child).replace(name, other);
      return `xor(${text}, mul(eq(${VARIABLE}, ${this.#mutant(child, 'assembly', to)}), xor(${this.#original(child)}, ${to})))`;
    };
    const text = this.#inside(node, (child) => yul(child));
    if (this.#mutants.length === before) return text;
    // A block of its own would hide nothing that assembly declares: what it declares is its own already.
    return `{ uint256 ${VARIABLE} = MutantSwitch.running(); ${text} }`;
  }
}

const VARIABLE = 'theMutant';

function typeOf(node: AstNode | undefined): string {
  return (node?.typeDescriptions as { typeString?: string } | undefined)?.typeString ?? '';
}

/** A number known to the compiler: mutating it into a choice would change its type. */
function isConstant(node: AstNode | undefined): boolean {
  return /^int_const|^rational_const/.test(typeOf(node));
}

function walk(node: AstNode, visit: (node: AstNode) => void): void {
  visit(node);
  for (const child of childrenOf(node)) walk(child, visit);
}
