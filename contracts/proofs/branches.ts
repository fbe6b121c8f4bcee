import { rangeOf, rewrite, type AstNode } from './solidity-ast.ts';

/** A place where the program goes one of two ways: `if`, `?:`, the head of a loop, an operand of `&&` or `||`. */
export interface Branch { path: string; line: number; text: string }

/** Sources in which every branch says which way it went, and the branches by number. */
export function instrument(sources: Record<string, { content: string }>, asts: Record<string, AstNode>, paths: readonly string[]): { sources: Record<string, string>; branches: Branch[] } {
  const branches: Branch[] = [];
  const written = Object.fromEntries(paths.map((path) => {
    const text = Buffer.from(sources[path]!.content);
    const render = (node: AstNode): string => rewrite(text, node, (child) => {
      if (!isWay(node, child)) return render(child);
      const { start, end } = rangeOf(child);
      branches.push({ path, line: text.subarray(0, start).toString().split('\n').length, text: text.subarray(start, end).toString().replace(/\s+/g, ' ') });
      return `Branches.went(${branches.length}, ${render(child)})`;
    });
    const up = '../'.repeat(path.split('/').length - 3);
    return [path, render(asts[path]!).replace(/^(pragma [^\n]*\n)/m, `$1import {Branches} from "${up === '' ? './' : up}Branches.sol";\n`)];
  }));
  return { sources: { ...written, 'contracts/src/Branches.sol': RECORDER }, branches };
}

function isWay(node: AstNode, child: AstNode): boolean {
  if (node.nodeType === 'BinaryOperation') return node.operator === '&&' || node.operator === '||';
  return ['IfStatement', 'Conditional', 'ForStatement', 'WhileStatement'].includes(node.nodeType) && node.condition === child;
}

/**
 * Writes each way once to a file, by forge's cheatcodes, which work in static calls as well: a variable of the environment remembers what is
 * written. Taken for pure, or pure functions could not tell.
 */
const RECORDER = `// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

interface BranchVm {
    function envOr(string calldata name, bool otherwise) external view returns (bool);
    function setEnv(string calldata name, string calldata value) external;
    function toString(uint256 value) external pure returns (string memory);
    function writeLine(string calldata path, string calldata data) external;
}

library Branches {
    function went(uint256 id, bool way) internal pure returns (bool) {
        _asPure(_tell)(2 * id + (way ? 1 : 0));
        return way;
    }

    function _tell(uint256 way) private {
        BranchVm vm = BranchVm(address(uint160(uint256(keccak256("hevm cheat code")))));
        string memory name = string.concat("GADUS_BRANCH_", vm.toString(way));
        if (vm.envOr(name, false)) return;
        vm.setEnv(name, "true");
        vm.writeLine("contracts/branches.txt", vm.toString(way));
    }

    function _asPure(function(uint256) internal f) private pure returns (function(uint256) internal pure g) {
        assembly {
            g := f
        }
    }
}
`;
