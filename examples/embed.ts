/**
 * Conductor inside a program: runs two tasks, one after the other, and tells what happens to them.
 *
 *     node examples/embed.ts [repository]
 *
 * It uses the supervisor of the repository when there is one, and is the supervisor itself when there is none. Ended in the middle, it
 * loses nothing: the tasks work on, and whoever starts next finds them.
 */
import { createConductor, isConductorError } from 'conductor-kernel';

const over = ['completed', 'needs_review', 'blocked', 'canceled'];
try {
  const conductor = await createConductor({ repo: process.argv[2] ?? '.' });
  console.log(
    conductor.embedded ? 'this process owns the project' : `pid ${conductor.facts.identity.pid} owns the project`,
  );
  const { details: plan } = await conductor.call('conductor_run_plan', {
    plan: {
      objective: 'Two commands',
      tasks: [
        { id: 'write', run: 'date > written.txt', completion: 'exit-code' },
        { id: 'read', run: 'cat written.txt', dependsOn: ['write'], completion: 'exit-code' },
      ],
    },
  });
  const names = new Map(Object.entries(plan.tasks).map(([name, taskId]) => [taskId, name]));
  for await (const entry of conductor.subscribe({ after: 0 })) {
    const name = names.get(entry.actor) ?? (entry.actor === plan.objectiveId ? 'objective' : null);
    if (name === null || entry.from === entry.to) continue;
    console.log(`${name}: ${entry.from ?? 'new'} → ${entry.to}`);
    if (name !== 'objective' || !over.includes(entry.to ?? '')) continue;
    // Entries of one commit come one by one: what holds after the last of them is what the objective itself says.
    const { details } = await conductor.call('conductor_get_objective', { objectiveId: plan.objectiveId });
    if (over.includes(details.objective.state)) break;
  }
  await conductor.stop();
} catch (error) {
  if (!isConductorError(error)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}
