/** Starts the page: the session first, because the link must leave the address before anything else looks at it. */
import { createRoot } from 'react-dom/client';
import { App } from './app/app.tsx';
import { startTheme } from './app/theme.ts';
import { openSession } from './connection/session.ts';
import './design/tokens.css';
import './design/base.css';
import './design/components.css';
import './app/shell.css';

startTheme();
void openSession();
const place = globalThis.document.querySelector('#page');
if (place !== null) createRoot(place).render(<App />);
