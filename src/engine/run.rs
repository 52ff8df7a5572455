//! The run loop: from the root's entry to the end of the turn.

use tracing::{Instrument, Span};

use super::fields::{self, Taken};
use super::{Engine, Error, outside, tools, traced};
use crate::agent::{Frame, Held, Turn, Work, repair};
use crate::graph::{Edge, EdgeId, Graph, Kind, Node, NodeIx, Say};
use crate::model::{Assurance, ConversationId, Route};
use crate::trace;

/// Most nodes one turn may pass; every cycle of a graph passes through an `ask`, so only a fault comes near it.
const MOST_STEPS: usize = 64;

/// One edge that a turn passed.
pub type Step = EdgeId;

/// Where a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// At the root's entry, with a message.
    Message,
    /// At the waiting question, with an outcome that tells what became of its message.
    Told(&'static str),
}

/// A graph and the node the run is at in it.
struct At<'g> {
    graph: &'g Graph,
    node: NodeIx,
    /// Whether an `ask` was reached in it, or in a graph inside it: where it ends, it has paused and not ended.
    paused: bool,
    /// What is done in the graph runs in it. The root has none of its own: it runs in the turn's.
    span: Span,
}

pub(super) struct Run<'g> {
    stack: Vec<At<'g>>,
    /// What an edge says instead of the `ask` or `say` it leads to.
    instead: Option<Say>,
    /// Whether an `ask` was reached: the frames that wait are kept.
    paused: bool,
    /// Whether a graph began again because it is another one by now, and nobody was told yet.
    began_again: bool,
    steps: Vec<Step>,
}

enum Next {
    Follow(&'static str),
    Ended,
}

impl Engine {
    /// Runs the graph until the turn ends; gives back the edges it passed.
    pub(super) async fn run(&self, turn: &mut Turn, start: Start) -> Result<Vec<Step>, Error> {
        let root = self.talk.graphs.root();
        let mut run = Run {
            stack: vec![At { graph: root, node: root.entry, paused: false, span: Span::none() }],
            instead: None,
            paused: false,
            began_again: false,
            steps: Vec::new(),
        };
        if let Start::Told(outcome) = start {
            let resume = root.nodes().find(|(_, n)| matches!(n.kind, Kind::Resume)).map(|(ix, _)| ix);
            let Some(resume) = resume else { return Ok(run.steps) };
            run.stack = vec![At { graph: root, node: resume, paused: false, span: Span::none() }];
            if !self.reopen(&mut run, turn) || run.here()?.1.edge(outcome).is_none() {
                return Ok(run.steps);
            }
            run.follow(outcome)?;
        }
        for _ in 0..MOST_STEPS {
            let span = run.span();
            let next =
                self.step(&mut run, turn).instrument(span).await.inspect_err(|e| traced::broke(&run, e))?;
            match next {
                Next::Follow(outcome) => run.follow(outcome)?,
                Next::Ended if run.stack.is_empty() => {
                    trace::ran(turn.heard.tier, run.steps.len());
                    return Ok(run.steps);
                }
                Next::Ended => {}
            }
        }
        Err(run.fault(format!("no end after {MOST_STEPS} nodes")))
    }

    async fn step<'g>(&'g self, run: &mut Run<'g>, turn: &mut Turn) -> Result<Next, Error> {
        let (_, node) = run.here()?;
        match &node.kind {
            Kind::Handler(name) => self.handle(run, turn, name).await,
            Kind::Ask { say, .. } => {
                let say = run.instead.take().unwrap_or_else(|| say.clone());
                turn.state.work.misses = 0;
                run.pause(turn, say)
            }
            Kind::Tool(call) => {
                run.allows(turn, call.needs)?;
                Ok(Next::Follow(tools::call(call, run.here()?.0, turn).await?))
            }
            Kind::Http { call, say } => {
                run.allows(turn, call.needs)?;
                let say = run.instead.take().unwrap_or_else(|| say.clone());
                if outside::queue(call, run.here()?, turn)? {
                    run.pause(turn, say)
                } else {
                    Ok(Next::Follow("failed"))
                }
            }
            Kind::Goto(guards) => Ok(Next::Follow(fields::case(guards, run.here()?, turn)?)),
            Kind::Say(say) => {
                let say = run.instead.take().unwrap_or_else(|| say.clone());
                run.says(turn, say)?;
                if node.edge("next").is_none() {
                    return Ok(run.leave(turn));
                }
                turn.saying.lead_on();
                Ok(Next::Follow("next"))
            }
            Kind::Agent(name) => {
                let graph = self.talk.graphs.graph(name).ok_or_else(|| run.fault("no such graph".into()))?;
                run.allows(turn, graph.needs)?;
                run.begin(graph, turn);
                Ok(Next::Ended)
            }
            Kind::Agents => {
                let graph = match &turn.heard.route {
                    Route::Agent(name) => self.talk.graphs.routed(name),
                    _ => None,
                };
                let graph = graph.ok_or_else(|| run.fault("no agent was named".into()))?;
                run.allows(turn, graph.needs)?;
                run.begin(graph, turn);
                Ok(Next::Ended)
            }
            Kind::Resume => {
                if !self.reopen(run, turn) {
                    let begins = self.begin_again(run, turn);
                    return Ok(if begins { Next::Ended } else { Next::Follow("idle") });
                }
                match fields::take(run.here()?.1, turn) {
                    Taken::Outcome(outcome) => Ok(Next::Follow(outcome)),
                    Taken::Again(say) => run.pause(turn, say),
                }
            }
        }
    }

    async fn handle<'g>(&'g self, run: &mut Run<'g>, turn: &mut Turn, name: &str) -> Result<Next, Error> {
        let handler = self.handlers.iter().find(|h| h.spec.name == name);
        let handler = handler.ok_or_else(|| run.fault("no such handler".into()))?;
        run.allows(turn, handler.spec.needs)?;
        let outcome = (handler.run)(turn).await?;
        if let Some(level) = outcome.grants {
            turn.assurance = turn.assurance.max(level);
        }
        if handler.spec.outcomes.is_empty() { Ok(run.leave(turn)) } else { Ok(Next::Follow(outcome.name)) }
    }

    /// Puts the paused graphs back on the stack; false where nothing is paused, or not under graphs we have.
    fn reopen<'g>(&'g self, run: &mut Run<'g>, turn: &mut Turn) -> bool {
        let frames = &turn.state.work.frames;
        if frames.is_empty() || turn.state.work.held != Held::No {
            return false;
        }
        let places: Vec<(&'g Graph, NodeIx)> = frames.iter().filter_map(|frame| self.place(frame)).collect();
        for (graph, node) in places {
            run.enter(graph, node, turn);
        }
        true
    }

    /// Begins the graph again that was paused under a version which says so; false where none does.
    fn begin_again<'g>(&'g self, run: &mut Run<'g>, turn: &mut Turn) -> bool {
        let frames = std::mem::take(&mut turn.state.work.frames);
        let held = std::mem::take(&mut turn.state.work.held);
        let restarts = self.restarts(&frames).filter(|_| held == Held::BeginsAgain);
        let Some((graph, outer)) = restarts else { return false };
        if outer.is_empty() {
            repair::begin_again(turn);
        }
        let places: Vec<(&'g Graph, NodeIx)> = outer.iter().filter_map(|frame| self.place(frame)).collect();
        for (graph, node) in places {
            run.enter(graph, node, turn);
        }
        run.begin(graph, turn);
        run.began_again = true;
        true
    }

    /// The question a conversation waits with.
    pub(super) fn waiting(&self, work: &Work) -> Option<&Node> {
        let (graph, node) = self.place(work.frames.last().filter(|_| work.held == Held::No)?)?;
        graph.node(node).filter(|n| matches!(n.kind, Kind::Ask { .. }))
    }
}

impl<'g> Run<'g> {
    /// The graph was proved at load; rights may have ended since, so the level is checked again where it is needed.
    fn allows(&self, turn: &Turn, needs: Assurance) -> Result<(), Error> {
        if turn.assurance >= needs {
            return Ok(());
        }
        Err(self.fault(format!("needs {}, and the turn has {}", needs.as_str(), turn.assurance.as_str())))
    }

    /// Says something, with what its graph knows.
    fn says(&mut self, turn: &mut Turn, say: Say) -> Result<(), Error> {
        turn.values.extend(fields::of(self.here()?.0, turn));
        if std::mem::take(&mut self.began_again) {
            turn.saying.lead("general.began_again", say.action);
        }
        turn.saying.say(say);
        Ok(())
    }

    /// Asks something, and waits for the answer.
    fn pause(&mut self, turn: &mut Turn, say: Say) -> Result<Next, Error> {
        self.says(turn, say)?;
        turn.state.work.frames = self.frames();
        turn.state.work.held = Held::No;
        turn.state.work.question.clone_from(&turn.data);
        turn.state.work.question.extend(fields::of(self.here()?.0, turn));
        turn.state.offered = false;
        self.paused = true;
        self.stack.iter_mut().for_each(|at| at.paused = true);
        Ok(self.leave(turn))
    }

    /// Enters a graph that knows nothing yet, unless it is called by one that does.
    fn begin(&mut self, graph: &'g Graph, turn: &mut Turn) {
        // What waits already keeps what it knows, and its call.
        if self.stack.len() == 1 && !self.paused {
            turn.state.work.fields.clear();
            turn.call_off();
        }
        self.enter(graph, graph.entry, turn);
    }

    fn here(&self) -> Result<(&'g Graph, &'g Node), Error> {
        let at = self.stack.last().ok_or_else(|| self.fault("the stack is empty".into()))?;
        let node = at.graph.node(at.node).ok_or_else(|| self.fault("no such node".into()))?;
        Ok((at.graph, node))
    }

    /// The spans of the graphs it is in, the innermost first.
    pub(super) fn spans(&self) -> impl Iterator<Item = &Span> {
        self.stack.iter().rev().map(|at| &at.span)
    }

    fn span(&self) -> Span {
        self.spans().next().cloned().unwrap_or_else(Span::none)
    }

    fn enter(&mut self, graph: &'g Graph, node: NodeIx, turn: &Turn) {
        let conversation = turn.tools.conversation.as_ref().map(ConversationId::as_str);
        let span = self.span().in_scope(|| trace::agent(&graph.name, conversation));
        self.stack.push(At { graph, node, paused: false, span });
    }

    fn follow(&mut self, outcome: &str) -> Result<(), Error> {
        let (graph, node) = self.here()?;
        let Edge { to, say, .. } =
            node.edge(outcome).ok_or_else(|| self.fault(format!("no edge for `{outcome}`")))?;
        self.steps.push(Step {
            graph: graph.name.clone(),
            from: node.name.clone(),
            outcome: outcome.to_owned(),
        });
        self.instead.clone_from(say);
        if let Some(at) = self.stack.last_mut() {
            at.node = *to;
        }
        Ok(())
    }

    /// Leaves the innermost graph, to its caller's edge `asked` or `done`.
    fn leave(&mut self, turn: &mut Turn) -> Next {
        let left = self.stack.pop();
        match self.stack.len() {
            0 => return Next::Ended,
            1 if !self.paused => {
                turn.state.work.frames.clear();
                turn.state.work.fields.clear();
            }
            _ => {}
        }
        Next::Follow(if left.is_some_and(|at| at.paused) { "asked" } else { "done" })
    }

    fn frames(&self) -> Vec<Frame> {
        let inner = self.stack.get(1..).unwrap_or_default();
        let frame = |at: &At<'_>| {
            let node = at.graph.node(at.node)?;
            Some(Frame { graph: at.graph.name.clone(), version: at.graph.version, node: node.name.clone() })
        };
        inner.iter().filter_map(frame).collect()
    }

    fn fault(&self, what: String) -> Error {
        let at = self.stack.last();
        Error::Graph {
            graph: at.map(|at| at.graph.name.clone()).unwrap_or_default(),
            node: at.and_then(|at| at.graph.node(at.node)).map(|n| n.name.clone()).unwrap_or_default(),
            what,
        }
    }
}

/// What the credential alone proves.
pub(super) fn assurance(actor: &crate::model::Actor) -> Assurance {
    match actor {
        crate::model::Actor::User { .. } => Assurance::SignedIn,
        _ => Assurance::Anonymous,
    }
}
