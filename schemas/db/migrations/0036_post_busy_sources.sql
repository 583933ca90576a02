-- Merchants are counted together with acquirers and networks now, by the time of the messages.
DROP INDEX otp.sending_merchant;
