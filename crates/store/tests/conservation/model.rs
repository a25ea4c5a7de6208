//! What is to become of carts, told in the plainest way: a list of who holds which.

use crate::script::{Deed, Shop, Step, Who};

/// Browsers, each with a guest identity of its own.
pub const GUESTS: usize = 2;
/// Addresses that sign up.
pub const ADDRESSES: usize = 2;
/// Products.
pub const PRODUCTS: usize = 3;
/// Open claims on one address at most.
pub const MAX_CLAIMS: usize = 3;
/// Pieces of one product in a cart at most.
pub const MAX_PIECES: u32 = 1_000_000;

/// A product and how many pieces of it.
pub type Line = (usize, u32);

/// What a step comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The cart of that number is so now.
    Cart(u32, Vec<Line>),
    /// These carts there are.
    Carts(Vec<(u32, Vec<Line>)>),
    /// It is done, and there is nothing to show.
    Done,
    /// There is no such cart for whoever asks.
    NotFound,
    /// The product is not in the cart.
    NotInCart,
    /// It would not fit.
    Refused,
    /// It is not for whoever asks: an address that is taken, a key that opens nothing, a customer who is none.
    Nothing,
}

/// Who has a cart. Customers go by the number of the step that signed them up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A guest.
    Guest(usize),
    /// A customer who signed up with it, or was given it when they had signed up.
    Customer(u32, Option<usize>),
    /// Nobody, until that guest is seen again.
    Returned(usize),
}

/// A cart, by the number of the step that made it.
#[derive(Clone, Debug)]
pub struct Cart {
    pub number: u32,
    pub holder: Holder,
    pub is_default: bool,
    pub lines: Vec<Line>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Confirmed,
    Gone,
}

/// Who signed up.
#[derive(Clone, Debug)]
struct Customer {
    number: u32,
    address: usize,
    state: State,
    has_key: bool,
}

/// How often carts changed hands in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// A sign-up took the cart that its guest had.
    pub bound: u64,
    /// A sign-up took a cart from an earlier claim of its guest.
    pub rebound: u64,
    /// A claim went, and its cart came back.
    pub returned: u64,
    /// A guest was seen who had no cart but one that had come back.
    pub taken_back: u64,
    /// A login made a cart the customer's.
    pub handed_over: u64,
    /// All of a cart went into another one.
    pub poured: u64,
    /// A part of a cart went into another one, which had no room for the rest.
    pub poured_in_part: u64,
    /// There was no room for any of it.
    pub kept_out: u64,
}

impl Moves {
    /// Both.
    pub const fn plus(self, other: Self) -> Self {
        Self {
            bound: self.bound + other.bound,
            rebound: self.rebound + other.rebound,
            returned: self.returned + other.returned,
            taken_back: self.taken_back + other.taken_back,
            handed_over: self.handed_over + other.handed_over,
            poured: self.poured + other.poured,
            poured_in_part: self.poured_in_part + other.poured_in_part,
            kept_out: self.kept_out + other.kept_out,
        }
    }
}

/// All there is.
#[derive(Clone, Debug)]
pub struct Model {
    shop: Shop,
    pub moves: Moves,
    /// Oldest first.
    pub carts: Vec<Cart>,
    customers: Vec<Customer>,
    /// Pieces of each product that were put in and not taken out again.
    ledger: [u64; PRODUCTS],
}

impl Model {
    pub fn new(shop: Shop) -> Self {
        Self { shop, moves: Moves::default(), carts: Vec::new(), customers: Vec::new(), ledger: [0; PRODUCTS] }
    }

    /// Does a step, and finds the rule kept: no piece comes from nowhere, and none goes there.
    pub fn apply(&mut self, step: &Step) -> Outcome {
        let outcome = self.act(step);
        let mut sum = [0; PRODUCTS];
        for (product, pieces) in self.carts.iter().flat_map(|cart| &cart.lines) {
            sum[*product] += u64::from(*pieces);
        }
        assert_eq!(sum, self.ledger, "the model itself loses or doubles at {step:?}");
        outcome
    }

    /// Customers who signed up, and whether they are still to confirm.
    pub fn claims(&self) -> impl Iterator<Item = (u32, bool)> {
        self.customers.iter().map(|customer| (customer.number, customer.state == State::Open))
    }

    /// The address of a customer.
    pub fn address_of(&self, customer: u32) -> Option<usize> {
        self.customers.iter().find(|known| known.number == customer).map(|known| known.address)
    }

    /// The confirmed customer on an address.
    pub fn owner_of(&self, address: usize) -> Option<u32> {
        let owns = |customer: &&Customer| customer.address == address && customer.state == State::Confirmed;
        self.customers.iter().find(owns).map(|customer| customer.number)
    }

    fn act(&mut self, step: &Step) -> Outcome {
        match step.deed {
            Deed::AddFirst { guest, product, pieces } => self.add_first(step.number, guest, (product, pieces)),
            Deed::Add { who, cart, product, pieces } => {
                self.on_cart(who, cart, |cart, shop| add(cart, (product, pieces), shop))
            }
            Deed::Change { who, cart, product, pieces } => self.on_cart(who, cart, |cart, _| {
                let line = cart.lines.iter_mut().find(|(own, _)| *own == product).ok_or(Outcome::NotInCart)?;
                let change = (product, i64::from(pieces) - i64::from(line.1));
                line.1 = pieces;
                Ok(change)
            }),
            Deed::Remove { who, cart, product } => self.on_cart(who, cart, |cart, _| {
                let at = cart.lines.iter().position(|(own, _)| *own == product).ok_or(Outcome::NotInCart)?;
                let (_, pieces) = cart.lines.remove(at);
                Ok((product, -i64::from(pieces)))
            }),
            Deed::Register { address, guest } => self.register(step.number, address, guest),
            Deed::Mail { claim } => {
                if self.mail(claim) {
                    Outcome::Done
                } else {
                    Outcome::Nothing
                }
            }
            Deed::Confirm { claim } => self.confirm(claim),
            Deed::LogIn { address, guest } => self.log_in(address, guest),
            Deed::NewCart { address } => self.new_cart(step.number, address),
            Deed::DropCart { address, cart } => self.drop_cart(address, cart),
            Deed::List { who } => self.list(who),
        }
    }

    fn position(&self, number: u32) -> Option<usize> {
        self.carts.iter().position(|cart| cart.number == number)
    }

    fn numbers(&self, is_meant: impl Fn(&Cart) -> bool) -> Vec<u32> {
        self.carts.iter().filter(|cart| is_meant(cart)).map(|cart| cart.number).collect()
    }

    fn current_of(&self, guest: usize) -> Option<u32> {
        self.numbers(|cart| cart.holder == Holder::Guest(guest)).first().copied()
    }

    fn carts_of(&self, customer: u32) -> Vec<u32> {
        self.numbers(|cart| matches!(cart.holder, Holder::Customer(holder, _) if holder == customer))
    }

    fn book(&mut self, (product, pieces): (usize, i64)) {
        let sum = &mut self.ledger[product];
        *sum = sum.checked_add_signed(pieces).unwrap();
    }

    /// A guest is seen: what came back to them is theirs again, in one cart, unless nobody may learn that it came back.
    fn see(&mut self, guest: usize) {
        if self.shop.hide_taken {
            return;
        }
        let mut returned = self.numbers(|cart| cart.holder == Holder::Returned(guest)).into_iter();
        let current = self.current_of(guest).or_else(|| {
            let first = returned.next()?;
            let at = self.position(first)?;
            self.carts[at].holder = Holder::Guest(guest);
            self.carts[at].is_default = true;
            self.moves.taken_back += 1;
            Some(first)
        });
        for cart in returned {
            self.pour(cart, current.unwrap());
        }
    }

    /// Line by line, each whole or not at all. A cart that is empty then is gone.
    fn pour(&mut self, from: u32, into: u32) {
        let from_at = self.position(from).unwrap();
        let lines = std::mem::take(&mut self.carts[from_at].lines);
        let into_at = self.position(into).unwrap();
        let (target, max_items) = (&mut self.carts[into_at].lines, self.shop.max_items);
        let count = lines.len();
        let stay: Vec<Line> = lines.into_iter().filter(|line| !put(target, *line, max_items)).collect();
        let moves = match stay.len() {
            0 => &mut self.moves.poured,
            left if left < count => &mut self.moves.poured_in_part,
            _ => &mut self.moves.kept_out,
        };
        *moves += 1;
        if stay.is_empty() {
            self.carts.remove(from_at);
        } else {
            self.carts[from_at].lines = stay;
        }
    }

    fn hand_over(&mut self, number: u32, customer: u32, returns_to: Option<usize>) {
        for other in self.carts_of(customer) {
            let at = self.position(other).unwrap();
            self.carts[at].is_default = false;
        }
        let at = self.position(number).unwrap();
        self.carts[at].holder = Holder::Customer(customer, returns_to);
        self.carts[at].is_default = true;
    }

    fn add_first(&mut self, number: u32, guest: usize, line: Line) -> Outcome {
        self.see(guest);
        if let Some(current) = self.current_of(guest) {
            return self.on_cart(Who::Guest(guest), current, |cart, shop| add(cart, line, shop));
        }
        self.carts.push(Cart { number, holder: Holder::Guest(guest), is_default: true, lines: vec![line] });
        self.book((line.0, i64::from(line.1)));
        Outcome::Cart(number, vec![line])
    }

    /// Changes a cart of somebody's; `change` tells what that means for which product.
    fn on_cart(
        &mut self,
        who: Who,
        number: u32,
        change: impl FnOnce(&mut Cart, &Shop) -> Result<(usize, i64), Outcome>,
    ) -> Outcome {
        let holder = |model: &Self| model.position(number).map(|at| model.carts[at].holder);
        let is_theirs = match who {
            Who::Guest(guest) => {
                if holder(self) == Some(Holder::Returned(guest)) {
                    self.see(guest);
                }
                holder(self) == Some(Holder::Guest(guest))
            }
            Who::Customer(address) => {
                let Some(customer) = self.owner_of(address) else { return Outcome::Nothing };
                self.carts_of(customer).contains(&number)
            }
        };
        let Some(at) = self.position(number).filter(|_| is_theirs) else { return Outcome::NotFound };
        match change(&mut self.carts[at], &self.shop) {
            Ok(entry) => {
                self.book(entry);
                Outcome::Cart(number, self.carts[at].lines.clone())
            }
            Err(outcome) => outcome,
        }
    }

    fn register(&mut self, number: u32, address: usize, guest: Option<usize>) -> Outcome {
        let open = |customer: &&Customer| customer.address == address && customer.state == State::Open;
        let is_full = self.customers.iter().filter(open).count() >= MAX_CLAIMS;
        if is_full || (self.owner_of(address).is_some() && !self.shop.hide_taken) {
            return Outcome::Nothing;
        }
        if let Some(guest) = guest {
            let has_lines =
                |model: &Self, cart: u32| model.position(cart).is_some_and(|at| !model.carts[at].lines.is_empty());
            let current = self.current_of(guest);
            self.moves.bound += u64::from(current.is_some());
            let (filled, empty) =
                (current.filter(|cart| has_lines(self, *cart)), current.filter(|cart| !has_lines(self, *cart)));
            let mut carts: Vec<u32> = filled.into_iter().collect();
            carts.extend(self.numbers(|cart| cart.holder == Holder::Returned(guest)));
            let claimed = self.claimed_from(guest, None);
            self.moves.rebound += u64::try_from(claimed.len()).unwrap();
            carts.extend(claimed);
            carts.extend(empty);
            let mut rest = carts.into_iter();
            if let Some(first) = rest.next() {
                self.hand_over(first, number, Some(guest));
                for cart in rest {
                    self.pour(cart, first);
                    // What cannot come along goes back.
                    if let Some(at) = self.position(cart) {
                        self.carts[at].holder = Holder::Returned(guest);
                    }
                }
            }
        }
        self.customers.push(Customer { number, address, state: State::Open, has_key: false });
        Outcome::Done
    }

    /// Carts that a guest had and that open claims hold: all of them, or those on an address.
    fn claimed_from(&self, guest: usize, address: Option<usize>) -> Vec<u32> {
        let is_meant = |customer: u32| {
            self.customers.iter().any(|known| {
                known.number == customer
                    && known.state == State::Open
                    && address.is_none_or(|address| known.address == address)
            })
        };
        self.numbers(|cart| match cart.holder {
            Holder::Customer(customer, returns_to) => returns_to == Some(guest) && is_meant(customer),
            _ => false,
        })
    }

    fn remove(&mut self, customer: usize) {
        self.customers[customer].state = State::Gone;
        for number in self.carts_of(self.customers[customer].number) {
            let at = self.position(number).unwrap();
            let Holder::Customer(_, Some(guest)) = self.carts[at].holder else {
                panic!("a claim has a cart that came from no guest");
            };
            self.carts[at].holder = Holder::Returned(guest);
            self.moves.returned += 1;
        }
    }

    /// Gives a claim a key. Where its address has an owner, it goes instead.
    fn mail(&mut self, claim: u32) -> bool {
        let known = self.customers.iter().position(|known| known.number == claim && known.state == State::Open);
        let Some(at) = known else { return false };
        if self.owner_of(self.customers[at].address).is_some() {
            self.remove(at);
            return false;
        }
        self.customers[at].has_key = true;
        true
    }

    /// Confirms by the key that there is, or by one that is mailed now.
    fn confirm(&mut self, claim: u32) -> Outcome {
        let Some(at) = self.customers.iter().position(|known| known.number == claim) else { return Outcome::Nothing };
        if !self.customers[at].has_key && !self.mail(claim) || self.customers[at].state != State::Open {
            return Outcome::Nothing;
        }
        self.customers[at].state = State::Confirmed;
        for other in 0..self.customers.len() {
            let rival = &self.customers[other];
            if rival.address == self.customers[at].address && rival.state == State::Open {
                self.remove(other);
            }
        }
        Outcome::Done
    }

    fn log_in(&mut self, address: usize, guest: Option<usize>) -> Outcome {
        let Some(customer) = self.owner_of(address) else { return Outcome::Nothing };
        let Some(guest) = guest else { return Outcome::Done };
        let theirs = |cart: &Cart| cart.holder == Holder::Guest(guest) || cart.holder == Holder::Returned(guest);
        let mut carts = self.numbers(theirs);
        carts.extend(self.claimed_from(guest, Some(address)));
        carts.retain(|number| self.position(*number).is_some_and(|at| !self.carts[at].lines.is_empty()));
        for number in carts {
            let own = self.carts_of(customer);
            match own.first() {
                Some(target) if self.shop.merges || own.len() >= self.shop.max_carts => self.pour(number, *target),
                _ => {
                    self.hand_over(number, customer, None);
                    self.moves.handed_over += 1;
                }
            }
        }
        Outcome::Done
    }

    fn new_cart(&mut self, number: u32, address: usize) -> Outcome {
        let Some(customer) = self.owner_of(address) else { return Outcome::Nothing };
        if self.carts_of(customer).len() >= self.shop.max_carts {
            return Outcome::Refused;
        }
        let holder = Holder::Customer(customer, None);
        self.carts.push(Cart { number, holder, is_default: false, lines: Vec::new() });
        self.hand_over(number, customer, None);
        Outcome::Cart(number, Vec::new())
    }

    fn drop_cart(&mut self, address: usize, number: u32) -> Outcome {
        let Some(customer) = self.owner_of(address) else { return Outcome::Nothing };
        let own = self.carts_of(customer);
        if !own.contains(&number) {
            return Outcome::NotFound;
        }
        let Some(newest) = own.into_iter().rfind(|other| *other != number) else { return Outcome::Refused };
        let at = self.position(number).unwrap();
        let gone = self.carts.remove(at);
        for (product, pieces) in gone.lines {
            self.book((product, -i64::from(pieces)));
        }
        if gone.is_default {
            let at = self.position(newest).unwrap();
            self.carts[at].is_default = true;
        }
        Outcome::Done
    }

    fn list(&mut self, who: Who) -> Outcome {
        let numbers = match who {
            Who::Guest(guest) => {
                self.see(guest);
                self.current_of(guest).into_iter().collect()
            }
            Who::Customer(address) => {
                let Some(customer) = self.owner_of(address) else { return Outcome::Nothing };
                self.carts_of(customer)
            }
        };
        let shown = self.carts.iter().filter(|cart| numbers.contains(&cart.number));
        Outcome::Carts(shown.map(|cart| (cart.number, cart.lines.clone())).collect())
    }
}

fn add(cart: &mut Cart, line: Line, shop: &Shop) -> Result<(usize, i64), Outcome> {
    let fits = put(&mut cart.lines, line, shop.max_items);
    fits.then(|| (line.0, i64::from(line.1))).ok_or(Outcome::Refused)
}

/// Adds pieces to those that are there, if there is room for all of them.
fn put(lines: &mut Vec<Line>, (product, pieces): Line, max_items: usize) -> bool {
    let is_full = lines.len() >= max_items;
    match lines.iter_mut().find(|(own, _)| *own == product) {
        Some(line) if line.1 + pieces <= MAX_PIECES => line.1 += pieces,
        None if !is_full => lines.push((product, pieces)),
        _ => return false,
    }
    true
}
