/** Unpacks the browser into the folder for temporary files, where its package puts it (browser-program.ts says which that is). */
import chromium from '@sparticuz/chromium';

await chromium.executablePath();
