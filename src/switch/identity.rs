//! Carriers that let nobody call under another number than the trunk's own: the call is made once more with
//! that, and from then on at once, until the house rules are read again.

use super::{Moment, Notice, Output, Switch};
use crate::{
    call::{machine::LegIndex, plan::Target},
    desk::ticket::{Direction, TicketId},
    sip::{message::Status, ua::UsageId},
};

impl Switch {
    /// A leg over a trunk was refused in a way that may mean the caller's number that it carried: tries it
    /// again without. False where that is not so.
    pub(super) fn tries_own_number(
        &mut self,
        ticket: TicketId,
        index: LegIndex,
        usage: UsageId,
        status: Status,
        now: Moment,
    ) -> bool {
        // 403, 404 as some carriers say it, and 433 (RFC 5079).
        if !matches!(status.code(), 403 | 404 | 433) {
            return false;
        }
        let Some(call) = self.calls.get_mut(&ticket) else { return false };
        let hotline = call.direction == Direction::Hotline;
        let Some(leg) = call.legs.get_mut(&index) else { return false };
        let outward = match leg.target {
            Target::Mobile { .. } | Target::Outside(_) => true,
            Target::Phone(_) => false,
        };
        if !hotline || !outward || leg.rang || std::mem::replace(&mut leg.own_number, true) {
            return false;
        }
        // The same server once more.
        let server = leg.tried.pop();
        if !self.invite_next_way(ticket, index, now) {
            if let Some(leg) = self.calls.get_mut(&ticket).and_then(|call| call.legs.get_mut(&index)) {
                leg.tried.extend(server);
            }
            return false;
        }
        self.usages.remove(&usage);
        if let Some(call) = self.calls.get_mut(&ticket) {
            call.log.own_number(index.0, status.code(), now.wall);
            self.touched.insert(ticket);
            if let Some(leg) = call.legs.get_mut(&index) {
                leg.branches.iter_mut().filter(|b| b.usage == usage).for_each(|b| b.over = true);
            }
        }
        true
    }

    /// A leg rings or answers: if it needed our own number, the trunk takes no other.
    pub(super) fn own_number_taken(&mut self, ticket: TicketId, index: LegIndex) {
        let Some(leg) = self.calls.get(&ticket).and_then(|call| call.legs.get(&index)) else { return };
        if let (true, Some(trunk)) = (leg.own_number, leg.trunk.clone())
            && self.own_number_only.insert(trunk.clone())
        {
            self.out.push(Output::Notice(Notice::OwnNumberOnly { trunk }));
        }
    }
}
