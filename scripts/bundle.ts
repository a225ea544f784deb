/**
 * Makes one program of `scripts/programs.ts` out of its sources: the bundle, its list of modules, its executable bit.
 */
import { chmodSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown, type RolldownOutput } from 'rolldown';
import type { Program, ProgramModules } from './programs.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

const modulesOf = (program: Program, { output }: RolldownOutput): ProgramModules => ({
  program: program.name,
  chunks: output
    .filter((file) => file.type === 'chunk')
    .map(({ fileName, isEntry, imports, dynamicImports, moduleIds, code }) => ({
      file: fileName,
      isEntry,
      imports,
      dynamicImports,
      // The bundler's own run-time module begins with a zero byte and lies in no file.
      modules: moduleIds.filter((id) => !id.startsWith('\0')).map((id) => relative(root, id)),
      bytes: Buffer.byteLength(code),
    })),
});

/** Writes the program, its chunks and `<name>.modules.json` into the folder. Rejects when a source does not bundle. */
export const bundleProgram = async (program: Program, folder: string): Promise<void> => {
  const build = await rolldown({
    cwd: root,
    input: { [program.name]: join(root, program.entry) },
    external: [...program.external],
    platform: 'node',
    // Packages in CommonJS use it; a module has no such name.
    transform: {
      target: program.target,
      ...(program.ending === 'mjs' && { define: { __filename: 'import.meta.filename' } }),
    },
  });
  const output = await build.write({
    dir: folder,
    format: program.ending === 'mjs' ? 'esm' : 'cjs',
    entryFileNames: `[name].${program.ending}`,
    chunkFileNames: program.chunks,
    // A process keeps the text of what it loads, with two bytes for every character as soon as one needs them.
    charset: 'ascii',
    comments: false,
    ...(program.split ? {} : { codeSplitting: false }),
  });
  await build.close();
  writeFileSync(
    join(folder, `${program.name}.modules.json`),
    `${JSON.stringify(modulesOf(program, output), null, 1)}\n`,
  );
  if (program.executable) chmodSync(join(folder, `${program.name}.${program.ending}`), 0o755);
};
