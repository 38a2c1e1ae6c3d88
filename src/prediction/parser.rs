//! Tokens → the expression, by recursive descent: a function a rule, from what binds least to what binds most.

use std::ops::Range;

use super::lexer::{Token, lex};
use super::{Expression, Fault, Function, Kind, Number, Operator, Place, Reference, Within, Word};
use crate::nearest::did_you_mean;

/// Longer than any expectation that a person can read.
const LONGEST: usize = 20_000;

/// Names, numbers and signs: trees of them are no danger to the stack. How an expression is spaced does not count, so
/// that what can be read can be printed and read again.
const TOKENS: usize = 2000;

/// Parentheses, calls and signs within each other.
const DEEPEST: usize = 32;

/// Reads an expression. Names are not looked up yet, and types not checked.
pub fn parse(text: &str) -> Result<Expression, Vec<Fault>> {
    if text.len() > LONGEST {
        let message = format!("an expression of {} bytes: at most {LONGEST}", text.len());
        return Err(vec![Fault::new(0..text.len(), message).help("make several predictions of it")]);
    }
    let tokens = lex(text)?;
    if let Some((_, span)) = tokens.get(TOKENS) {
        let message = format!("an expression of {} parts: at most {TOKENS}", tokens.len());
        return Err(vec![Fault::new(span.start..text.len(), message).help("make several predictions of it")]);
    }
    let mut parser = Parser { tokens: &tokens, at: 0, end: text.len(), depth: 0 };
    parser.whole().map_err(|fault| vec![fault])
}

struct Parser<'a> {
    tokens: &'a [(Token, Range<usize>)],
    at: usize,
    /// Length of the text.
    end: usize,
    depth: usize,
}

impl Parser<'_> {
    fn whole(&mut self) -> Result<Expression, Fault> {
        let expression = self.disjunction()?;
        match self.peek() {
            None => Ok(expression),
            Some(Token::Symbol("@")) => {
                Err(self.unexpected("a place stands after a metric: `imp.test_accuracy@13.5%`"))
            }
            Some(Token::Symbol("%")) => Err(self.unexpected("only a number is a percentage: `97.5%`")),
            Some(_) => Err(self.unexpected("join two expressions by `and`, `or`, `+`, `-`, `*`, `/` or a comparison")),
        }
    }

    fn disjunction(&mut self) -> Result<Expression, Fault> {
        let mut left = self.conjunction()?;
        while self.takes_word("or") {
            left = join(Operator::Or, left, self.conjunction()?);
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Expression, Fault> {
        let mut left = self.comparison()?;
        while self.takes_word("and") {
            left = join(Operator::And, left, self.comparison()?);
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Expression, Fault> {
        let left = self.sum()?;
        let compared = if self.takes_word("within") {
            let tolerance = self.sum()?;
            if !self.takes_word("of") {
                return Err(self.unexpected("write `a within 0.5% of b`"));
            }
            let target = self.sum()?;
            let span = left.span.start..target.span.end;
            Expression { kind: Kind::Within(Box::new(Within { value: left, tolerance, target })), span }
        } else if let Some(operator) = self.takes(COMPARISONS) {
            join(operator, left, self.sum()?)
        } else {
            return Ok(left);
        };
        let another = matches!(self.peek(), Some(Token::Symbol("<" | "<=" | ">" | ">="))) || self.is_word("within");
        match another {
            true => Err(Fault::new(self.place(), "this compares a comparison")
                .help("join two by `and`: `0.97 <= a and a <= 0.98`, or write `a within 0.005 of 0.975`")),
            false => Ok(compared),
        }
    }

    fn sum(&mut self) -> Result<Expression, Fault> {
        let mut left = self.product()?;
        while let Some(operator) = self.takes(&[("+", Operator::Plus), ("-", Operator::Minus)]) {
            left = join(operator, left, self.product()?);
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expression, Fault> {
        let mut left = self.signed()?;
        while let Some(operator) = self.takes(&[("*", Operator::Times), ("/", Operator::Over)]) {
            left = join(operator, left, self.signed()?);
        }
        Ok(left)
    }

    fn signed(&mut self) -> Result<Expression, Fault> {
        let start = self.place().start;
        match self.takes_symbol("-") {
            false => self.atom(),
            true => self.deeper(|parser| {
                let inner = parser.signed()?;
                let span = start..inner.span.end;
                Ok(Expression { kind: Kind::Negative(Box::new(inner)), span })
            }),
        }
    }

    fn atom(&mut self) -> Result<Expression, Fault> {
        let span = self.place();
        match self.peek() {
            Some(Token::Number(text)) => {
                let text = text.clone();
                self.at += 1;
                let percent = self.takes_symbol("%");
                Ok(Expression { kind: Kind::Number(Number { text, percent }), span: span.start..self.behind() })
            }
            Some(Token::Symbol("(")) => self.deeper(|parser| {
                parser.at += 1;
                let inner = parser.disjunction()?;
                parser.close(&span)?;
                Ok(Expression { span: span.start..parser.behind(), ..inner })
            }),
            Some(Token::Word(text)) => match self.tokens.get(self.at + 1) {
                Some((Token::Symbol("("), _)) => self.call(text.clone()),
                _ => self.reference(text.clone()),
            },
            Some(_) => Err(self.unexpected("here stands a number, a result as `imp.test_accuracy@13.5%`, or `(`")),
            None => Err(self.unexpected("a number or a result as `imp.test_accuracy@13.5%` is missing")),
        }
    }

    fn call(&mut self, name: String) -> Result<Expression, Fault> {
        let span = self.place();
        let Some(function) = Function::ALL.into_iter().find(|function| function.name() == name) else {
            let hint = did_you_mean(&name, "functions", Function::ALL.map(Function::name));
            return Err(Fault::new(span, format!("no function is named `{name}`")).hint(hint));
        };
        let bracket = self.tokens[self.at + 1].1.clone();
        self.at += 2;
        let arguments = self.deeper(|parser| {
            let mut arguments = vec![parser.disjunction()?];
            while parser.takes_symbol(",") {
                arguments.push(parser.disjunction()?);
            }
            parser.close(&bracket)?;
            Ok(arguments)
        })?;
        let span = span.start..self.behind();
        let fits = match function {
            Function::Abs => arguments.len() == 1,
            Function::Min | Function::Max => arguments.len() > 1,
        };
        if !fits {
            let many = if arguments.len() == 1 { "one value".into() } else { format!("{} values", arguments.len()) };
            let fault = Fault::new(span, format!("`{name}` does not take {many}"));
            return Err(fault.help(match function {
                Function::Abs => "`abs` takes one value".to_string(),
                _ => format!(
                    "`{name}(a, b)` is of two or more; of a result's replicates it is `imp.test_accuracy.{name}`"
                ),
            }));
        }
        Ok(Expression { kind: Kind::Call(function, arguments), span })
    }

    fn reference(&mut self, name: String) -> Result<Expression, Fault> {
        let pipeline = Word { text: name, span: self.place() };
        self.at += 1;
        let variant = self.bracket();
        if !self.takes_symbol(".") {
            let help = format!("a result is PIPELINE.METRIC@PLACE: `{}.test_accuracy@13.5%`", pipeline.text);
            return Err(Fault::new(pipeline.span.clone(), format!("`{}` names no metric", pipeline.text)).help(help));
        }
        let metric = self.word("a metric, as `test_accuracy`")?;
        let point = self.bracket();
        let aggregate = match self.takes_symbol(".") {
            true => Some(self.word("`min`, `max`, `std` or `n`")?),
            false => None,
        };
        let place = if self.takes_symbol("@") { Some(self.level()?) } else { None };
        let span = pipeline.span.start..self.behind();
        let reference = Reference { pipeline, variant, metric, point, aggregate, place };
        Ok(Expression { kind: Kind::Result(Box::new(reference)), span })
    }

    fn bracket(&mut self) -> Option<Word> {
        let (Token::Bracket(text), span) = self.tokens.get(self.at)? else { return None };
        self.at += 1;
        Some(Word { text: text.clone(), span: span.clone() })
    }

    /// What follows an `@`.
    fn level(&mut self) -> Result<(Place, Range<usize>), Fault> {
        const FORMS: &str = "a place is `@13.5%` (weights remaining), `@level 7`, `@first` or `@last`";
        let start = self.place().start;
        let place = if self.takes_word("first") {
            Place::First
        } else if self.takes_word("last") {
            Place::Last
        } else if self.takes_word("level") {
            let level = self.number().and_then(|text| text.parse().ok());
            Place::Level(level.ok_or_else(|| self.unexpected("a level is a whole number: `@level 7`"))?)
        } else {
            let span = self.place();
            let text = self.number().ok_or_else(|| self.unexpected(FORMS))?;
            if !self.takes_symbol("%") {
                let fault = Fault::new(span, format!("is {text} a percentage or a level?"));
                let level = if text.contains(['.', 'e', 'E']) { "7" } else { &text };
                return Err(fault.help(format!("write `@{text}%` for weights remaining, or `@level {level}`")));
            }
            if text.contains(['e', 'E', '_']) {
                return Err(Fault::new(span, format!("{text}% is no plain decimal")).help(FORMS));
            }
            Place::Percent(text)
        };
        Ok((place, start..self.behind()))
    }

    /// A number's text, which is then behind; nothing moves where there is none.
    fn number(&mut self) -> Option<String> {
        let Some((Token::Number(text), _)) = self.tokens.get(self.at) else { return None };
        self.at += 1;
        Some(text.clone())
    }

    fn word(&mut self, expected: &str) -> Result<Word, Fault> {
        let Some((Token::Word(text), span)) = self.tokens.get(self.at) else {
            return Err(self.unexpected(&format!("after the point stands {expected}")));
        };
        self.at += 1;
        Ok(Word { text: text.clone(), span: span.clone() })
    }

    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth == DEEPEST {
            let message = format!("more than {DEEPEST} parentheses and signs within each other");
            let fault = Fault::new(self.place(), message);
            return Err(fault.help("say it with fewer, or in several predictions"));
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        result
    }

    fn close(&mut self, open: &Range<usize>) -> Result<(), Fault> {
        if self.takes_symbol(")") {
            return Ok(());
        }
        match self.peek() {
            None => Err(Fault::new(open.clone(), "this parenthesis is not closed").help("close it with `)`")),
            Some(_) => Err(self.unexpected("here stands an operator, or `)`")),
        }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    /// Where the next token stands, or the end.
    fn place(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or(self.end..self.end, |(_, span)| span.clone())
    }

    /// Where the last token that was taken ends.
    fn behind(&self) -> usize {
        self.at.checked_sub(1).map_or(0, |last| self.tokens[last].1.end)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(text)) if text == word)
    }

    fn takes_word(&mut self, word: &str) -> bool {
        // A pipeline may have the name of a word: then a metric follows.
        let named = matches!(self.tokens.get(self.at + 1), Some((Token::Symbol(".") | Token::Bracket(_), _)));
        let taken = self.is_word(word) && !named;
        self.at += usize::from(taken);
        taken
    }

    fn takes_symbol(&mut self, symbol: &str) -> bool {
        let taken = matches!(self.peek(), Some(Token::Symbol(found)) if *found == symbol);
        self.at += usize::from(taken);
        taken
    }

    fn takes(&mut self, operators: &[(&str, Operator)]) -> Option<Operator> {
        let found = operators.iter().find(|(symbol, _)| self.takes_symbol(symbol));
        found.map(|(_, operator)| *operator)
    }

    fn unexpected(&self, help: &str) -> Fault {
        let message = match self.peek() {
            None => "the expression ends too early".to_string(),
            Some(Token::Number(text) | Token::Word(text)) => format!("unexpected `{text}`"),
            Some(Token::Bracket(text)) => format!("unexpected `[{text}]`"),
            Some(Token::Symbol(symbol)) => format!("unexpected `{symbol}`"),
        };
        Fault::new(self.place(), message).help(help)
    }
}

const COMPARISONS: &[(&str, Operator)] =
    &[("<", Operator::Less), ("<=", Operator::AtMost), (">", Operator::More), (">=", Operator::AtLeast)];

fn join(operator: Operator, left: Expression, right: Expression) -> Expression {
    let span = left.span.start..right.span.end;
    Expression { kind: Kind::Join(operator, Box::new(left), Box::new(right)), span }
}
