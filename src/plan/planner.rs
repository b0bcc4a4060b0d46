//! Renders every target before anything is sent.

use super::{Header, Planned};
use crate::audience::Target;
use crate::campaign::Campaign;
use crate::channel::Request;
use crate::identity::{DeliveryNumber, Digest, Hasher};
use crate::schedule::Occurrence;
use crate::source::Diagnostic;
use crate::template::Value;

#[derive(Debug)]
pub struct Planner<'a> {
    campaign: &'a Campaign,
    context: Value,
    hasher: Hasher,
    header: Header,
}

impl<'a> Planner<'a> {
    pub fn new(campaign: &'a Campaign, occurrence: &Occurrence) -> Planner<'a> {
        let channel = campaign.channel();
        Planner {
            campaign,
            context: campaign.context(occurrence),
            hasher: Digest::over("plan"),
            header: Header {
                channel,
                digest: Digest::of("plan", []),
                planned: 0,
                skipped: 0,
                bytes: 0,
                bytes_longest: 0,
                first_text: None,
            },
        }
    }

    /// The next delivery.
    pub fn plan(&mut self, target: &Target) -> Result<Planned, Diagnostic> {
        let rendered = self.campaign.render(&self.context, target)?;
        let number = DeliveryNumber(u32::try_from(self.header.planned).unwrap_or(u32::MAX));
        let request = Request {
            channel: self.header.channel,
            group: target.group.clone(),
            content: rendered.content,
        };
        self.hasher.part(request.group.as_str().as_bytes());
        self.hasher.part(request.content.as_bytes());
        let bytes = request.content.len() as u64;
        self.header.planned += 1;
        self.header.bytes += bytes;
        self.header.bytes_longest = self.header.bytes_longest.max(bytes);
        self.header.first_text.get_or_insert(rendered.text);
        Ok(Planned {
            number,
            request,
            skip: None,
        })
    }

    pub fn finish(self) -> Header {
        Header {
            digest: self.hasher.finish(),
            ..self.header
        }
    }
}
