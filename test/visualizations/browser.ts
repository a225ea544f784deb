/** One real browser for a file of tests. */
import { chromium as driver, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { browserProgram } from './browser-program.ts';

export const openBrowser = async (): Promise<Browser> =>
  driver.launch({ executablePath: await browserProgram(), args: ['--no-sandbox', '--disable-gpu'] });

export const DESKTOP = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };

/** A page of its own session. What it logs as an error, and every request that leaves the machine, lands in `troubles`. */
export const openPage = async (
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ readonly page: Page; readonly troubles: string[]; readonly close: () => Promise<void> }> => {
  const context = await browser.newContext({ viewport: DESKTOP, reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on('pageerror', (error) => troubles.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') troubles.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (!/^(?:https?|ws):\/\/127\.0\.0\.1:/.test(request.url()) && !request.url().startsWith('data:')) {
      troubles.push(`request: ${request.url()}`);
    }
  });
  return {
    page,
    troubles,
    close: async () => {
      await context.close();
    },
  };
};
