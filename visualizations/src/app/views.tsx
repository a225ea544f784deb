/** Which component shows which route. What is heavy (charts, terminals) loads when it is first shown. */
import { lazy, type ReactNode } from 'react';
import { GatesView } from '../views/gates/gates-view.tsx';
import { OverviewView } from '../views/overview/overview-view.tsx';
import { TreeView } from '../views/tree/tree-view.tsx';
import { cutText, visibleText } from '../design/visible-text.ts';
import type { Route, RouteView } from './route.ts';

const EntityView = lazy(async () => ({ default: (await import('../views/entity/entity-view.tsx')).EntityView }));
const MachineView = lazy(async () => ({ default: (await import('../views/entity/entity-view.tsx')).MachineView }));
const RunView = lazy(async () => ({ default: (await import('../views/run/run-view.tsx')).RunView }));
const CoverageView = lazy(async () => ({
  default: (await import('../views/coverage/coverage-view.tsx')).CoverageView,
}));

const VIEWS: Readonly<Record<RouteView, (id: string) => ReactNode>> = {
  overview: () => <OverviewView objectiveId={null} />,
  objective: (id) => <OverviewView objectiveId={id} />,
  gates: () => <GatesView gateId={null} />,
  gate: (id) => <GatesView gateId={id} />,
  tree: () => <TreeView />,
  coverage: () => <CoverageView />,
  machine: (id) => <MachineView machine={id} />,
  entity: (id) => <EntityView id={id} />,
  run: (id) => <RunView runId={id} />,
};

export const ViewOf = ({ route: { view, id } }: { readonly route: Route }) => VIEWS[view](id);

const TITLES: Readonly<Record<RouteView, string>> = {
  overview: 'Overview',
  objective: 'Objective',
  gates: 'Gates',
  gate: 'Gate',
  tree: 'Supervision',
  coverage: 'Machines and coverage',
  machine: 'Machine',
  entity: 'Machine of',
  run: 'Run',
};

/** Characters of a name in the title of the page. */
const NAME_MAX = 60;

/** @param name of the thing that is shown, where it has one. */
export const routeTitle = ({ view, id }: Route, name: string | null): string =>
  id === '' ? TITLES[view] : `${TITLES[view]} ${name === null ? id : visibleText(cutText(name, NAME_MAX))}`;
