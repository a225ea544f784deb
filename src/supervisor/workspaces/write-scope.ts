/**
 * Which changed files lie outside of a task's declared scope. Pure.
 * A scope entry is a repository-relative file or directory; an empty scope allows everything.
 */

/** @returns the members of `files` that no entry of `writeScope` covers, in their order. */
export function changedOutside(files: readonly string[], writeScope: readonly string[]): readonly string[] {
  if (writeScope.length === 0) return [];
  const roots = writeScope.map((entry) => entry.replace(/^(?:\.\/)+/, '').replace(/\/+$/, ''));
  if (roots.some((root) => root === '' || root === '.')) return [];
  return files.filter((file) => !roots.some((root) => file === root || file.startsWith(`${root}/`)));
}
