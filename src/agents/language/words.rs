//! Words, figures and marks of what was said.

/// How many characters are read; more than a [`Spoken`](crate::agents::Spoken) has.
const LONGEST: usize = 1_000;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number, in figures or in words.
    Number(u32),
    /// An ordinal, in words.
    Ordinal(u32),
    /// Another word.
    Word,
    /// One of `: . , / - +`.
    Mark(char),
}

/// A word, a number or a mark.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// The word in the language's folded form, or the figures.
    pub(super) text: String,
    /// How many figures a number has that is written in figures, else 0.
    pub(super) figures: usize,
    /// Whether it follows the one before without a space.
    pub(super) glued: bool,
}

/// How a language's words are told apart.
#[derive(Clone, Copy)]
pub(super) struct Lexicon {
    /// Brings a lower-case word to the one form in which it is looked up.
    pub(super) fold: fn(&str) -> String,
    /// The number that a folded word stands for.
    pub(super) number: fn(&str) -> Option<u32>,
    /// The ordinal that a folded word stands for.
    pub(super) ordinal: fn(&str) -> Option<u32>,
}

impl Lexicon {
    /// The tokens of a text.
    pub(super) fn tokens(self, text: &str) -> Vec<Token> {
        let mut tokens = Vec::new();
        let mut run = String::new();
        let mut glued = false;
        let mut run_glued = false;
        for character in text.chars().take(LONGEST) {
            if character == '\u{27}' || matches!(character, '’' | '`' | '\u{300}'..='\u{36f}') {
                // Apostrophes and combining accents are part of the word.
                continue;
            }
            let figure = character.is_ascii_digit();
            let fits = run.is_empty() || run.starts_with(|c: char| c.is_ascii_digit()) == figure;
            if !(character.is_alphabetic() || figure) || !fits {
                self.close(&mut run, run_glued, &mut tokens);
            }
            if character.is_alphabetic() || figure {
                if run.is_empty() {
                    run_glued = glued;
                }
                run.extend(character.to_lowercase());
                glued = true;
                continue;
            }
            let mark = match character {
                ':' | '.' | ',' | '/' | '-' | '+' => Some(character),
                '–' | '—' | '\u{2010}' | '\u{2011}' => Some('-'),
                _ => None,
            };
            if let Some(mark) = mark {
                tokens.push(Token {
                    kind: Kind::Mark(mark),
                    text: String::new(),
                    figures: 0,
                    glued,
                });
            }
            glued = mark.is_some();
        }
        self.close(&mut run, run_glued, &mut tokens);
        tokens
    }

    /// Ends a run of letters or figures.
    fn close(self, run: &mut String, glued: bool, tokens: &mut Vec<Token>) {
        if run.is_empty() {
            return;
        }
        let figures = run.starts_with(|c: char| c.is_ascii_digit());
        let token = if figures {
            Token {
                // A longer number is no day, hour or year.
                kind: run.parse().map_or(Kind::Word, Kind::Number),
                text: run.clone(),
                figures: run.len(),
                glued,
            }
        } else {
            let text = (self.fold)(run);
            let number = (self.number)(&text).map(Kind::Number);
            let ordinal = || (self.ordinal)(&text).map(Kind::Ordinal);
            Token {
                kind: number.or_else(ordinal).unwrap_or(Kind::Word),
                text,
                figures: 0,
                glued,
            }
        };
        tokens.push(token);
        run.clear();
    }
}

/// A place among the tokens. Everything that is asked is relative to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    tokens: &'a [Token],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(tokens: &'a [Token]) -> Self {
        Self { tokens, at: 0 }
    }

    /// Whether there is nothing more.
    pub(super) fn done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// The place some tokens further.
    pub(super) fn ahead(self, tokens: usize) -> Self {
        Self {
            at: self.at + tokens,
            ..self
        }
    }

    /// The token some places further.
    pub(super) fn token(&self, ahead: usize) -> Option<&'a Token> {
        self.tokens.get(self.at + ahead)
    }

    /// Its text; nothing for a mark and past the end.
    pub(super) fn word(&self, ahead: usize) -> &'a str {
        self.token(ahead).map_or("", |token| &token.text)
    }

    /// The text of the token before; nothing for a mark and at the beginning.
    pub(super) fn before(&self, back: usize) -> &'a str {
        let at = self.at.checked_sub(back);
        let token = at.and_then(|at| self.tokens.get(at));
        token.map_or("", |token| &token.text)
    }

    /// Whether the text is one of some words.
    pub(super) fn is(&self, ahead: usize, words: &[&str]) -> bool {
        words.contains(&self.word(ahead))
    }

    /// Its number.
    pub(super) fn number(&self, ahead: usize) -> Option<u32> {
        match self.token(ahead)?.kind {
            Kind::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Its ordinal.
    pub(super) fn ordinal(&self, ahead: usize) -> Option<u32> {
        match self.token(ahead)?.kind {
            Kind::Ordinal(number) => Some(number),
            _ => None,
        }
    }

    /// How many figures it has; 0 if it is not in figures.
    pub(super) fn figures(&self, ahead: usize) -> usize {
        self.token(ahead).map_or(0, |token| token.figures)
    }

    /// Whether it is a mark.
    pub(super) fn mark(&self, ahead: usize, mark: char) -> bool {
        let token = self.token(ahead);
        token.is_some_and(|token| token.kind == Kind::Mark(mark))
    }

    /// Whether it follows the one before it without a space.
    pub(super) fn glued(&self, ahead: usize) -> bool {
        self.token(ahead).is_some_and(|token| token.glued)
    }

    /// A number in figures that follows a mark without a space, as the `30` in `:30`.
    pub(super) fn figures_after(&self, ahead: usize, mark: char) -> Option<u32> {
        let fits = self.mark(ahead, mark) && self.glued(ahead) && self.glued(ahead + 1);
        (fits && self.figures(ahead + 1) > 0)
            .then(|| self.number(ahead + 1))
            .flatten()
    }
}
