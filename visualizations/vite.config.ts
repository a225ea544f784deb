/**
 * How the inspector's page is built: plain files that load from where they lie, nothing inline, nothing from elsewhere.
 */
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The first releases that have `light-dark()`, on which the two themes rest. */
const browsers = ['chrome123', 'firefox120', 'safari17.5'];

const config = defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  plugins: [react()],
  build: {
    target: browsers,
    cssTarget: browsers,
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    // The page's content policy allows no inline file.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    // The budget is checked where the page is built, and is smaller.
    chunkSizeWarningLimit: 1_024,
  },
});

// Vite reads its configuration from the default export and from nowhere else.
export default config;
